"""A failing check made small: a spec that fails for the same reason, with as little as possible in it.

``target`` says what has to stay, ``form`` how a spec is made smaller, ``trial`` runs one, ``shrink``
searches, ``literal`` writes the values down, ``arrays`` keeps what the original check has compared, ``job``
puts it together as a ``request`` asks, and ``places`` says where everything goes.
"""
