"""Who carries out the checks of a run: tasks and their outcomes, in this process or in others.

``course`` knows what is to be done and in which order results count, ``executors`` who does it: the ``bench``
of this process, or a ``pool`` of ``workers``, each of which is a process (``worker``).
"""
