// Room Tape.
