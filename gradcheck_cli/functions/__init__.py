"""What can be checked: functions and the claims about their derivatives, whatever they are written in."""
