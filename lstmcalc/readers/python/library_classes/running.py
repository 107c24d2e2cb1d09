"""What the standard library measures as it runs it: timers and profiles (Python 3.11).

Not here: how text is run (`libraries.standard_runs`).
"""

from typing import Final

RUNNING: Final = """
class Timer:
    def __init__(self, stmt='pass', setup='pass', timer=None, globals=None):
        self._setup = setup
        self._stmt = stmt
        self._globals = globals
    def timeit(self, number=1000000):
        if callable(self._stmt) or callable(self._setup):
            if callable(self._setup):
                self._setup()
            else:
                _timed(self._setup, 'pass', 0, self._globals)
            for _ in range(number):
                if callable(self._stmt):
                    self._stmt()
                else:
                    _timed('pass', self._stmt, 1, self._globals)
        else:
            _timed(self._setup, self._stmt, number, self._globals)
        return _named_unknown('timeit.timeit()')
    def repeat(self, repeat=5, number=1000000):
        return [self.timeit(number) for _ in range(repeat)]
    def autorange(self, callback=None):
        self.timeit(_named_unknown('timeit.Timer.autorange()'))
        return _named_unknown('timeit.Timer.autorange()')
    def print_exc(self, file=None):
        pass

def timeit(stmt='pass', setup='pass', timer=None, number=1000000, globals=None):
    return Timer(stmt, setup, timer, globals).timeit(number)

def repeat(stmt='pass', setup='pass', timer=None, repeat=5, number=1000000, globals=None):
    return Timer(stmt, setup, timer, globals).repeat(repeat, number)

def run(statement, filename=None, sort=-1):
    _run_as_main(statement)

def runctx(statement, globals, locals, filename=None, sort=-1):
    exec(statement, globals, locals)

class Profile:
    def __init__(self, *args, **kwargs):
        pass
    def __enter__(self):
        return self
    def __exit__(self, *args):
        return None
    def enable(self, *args, **kwargs):
        pass
    def disable(self):
        pass
    def print_stats(self, sort=-1):
        pass
    def dump_stats(self, file):
        pass
    def create_stats(self):
        pass
    def run(self, cmd):
        _run_as_main(cmd)
        return self
    def runctx(self, cmd, globals, locals):
        exec(cmd, globals, locals)
        return self
    def runcall(self, func, /, *args, **kw):
        return func(*args, **kw)
"""
