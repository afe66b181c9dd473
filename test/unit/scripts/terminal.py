"""Runs a command in a terminal of its own and presses Ctrl-C once it has said a text.

usage: terminal.py TEXT COMMAND...

What the command prints goes to standard output; the exit status is the command's (128 + N for signal N).
"""
import os
import pty
import sys

text, command = sys.argv[1].encode(), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
said, pressed = b"", False
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    if not part:
        break
    os.write(1, part)
    said += part
    if text in said and not pressed:
        pressed = True
        os.write(terminal, b"\x03")
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
