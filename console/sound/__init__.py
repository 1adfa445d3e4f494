"""The sound process: microphone, speaker, and what they are connected to. ``python -m console.sound``.

It is a process of its own, since devices call back from threads of C and write to file descriptor 2. The console
starts it when sound is first asked for and speaks to it over its standard input and output, one JSON object a line
(:mod:`console.sound.protocol`); when its input ends, it ends. The console imports nothing else of this package.
"""
