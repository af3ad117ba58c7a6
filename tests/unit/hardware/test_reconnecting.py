"""A node that is away: calls end at once, and go on when it is back; nothing is sent twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.clock import pause
from appliance.host import CommandTimeout, Result
from hardware.reconnecting import NodeHost
from hardware.ssh import LineEnded, NodeUnreachable, Place


class Line:
    """The outermost wire: what paramiko would do."""

    def __init__(self, log, fails=None):
        self.log, self.fails, self.open = log, fails, True

    def alive(self):
        return self.open

    def run(self, argv, **_given):
        self.log.append(list(argv))
        if self.fails is not None:
            raise self.fails
        return Result(tuple(argv), 0, b"", b"")

    def close(self):
        self.open = False


def host(lines):
    made = iter(lines)
    return NodeHost("n2", Place("192.0.2.2", "root", None), lambda _name, _place: next(made))


def test_one_connection_is_kept_and_a_dead_one_renewed():
    log = []
    first, second = Line(log), Line(log)
    node = host([first, second])
    node.run(["a"])
    node.run(["b"])
    first.open = False
    node.run(["c"])
    assert log == [["a"], ["b"], ["c"]]
    assert second.open


class Slow(Line):
    """A wire on which commands take a while; it counts how many are under way at once."""

    def __init__(self, log):
        super().__init__(log)
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def run(self, argv, **given):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        pause(0.02)
        with self.lock:
            self.now -= 1
        return super().run(argv, **given)


def test_no_more_commands_at_once_than_the_other_side_takes():
    wire = Slow([])
    node = host([wire])
    node.run(["first"])
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda n: node.run([str(n)]), range(40)))
    assert len(wire.log) == 41
    assert 1 < wire.most <= 8


def test_what_failed_is_not_sent_again_by_itself():
    log = []
    node = host([Line(log, NodeUnreachable(name="n2", why="cut")), Line(log)])
    with pytest.raises(NodeUnreachable):
        node.run(["once"])
    assert log == [["once"]]
    node.run(["next"])
    assert log[-1] == ["next"]


def test_a_command_that_runs_out_of_time_ends_alone():
    wire = Line([], CommandTimeout(command="a", limit=1))
    node = host([wire])
    with pytest.raises(CommandTimeout):
        node.run(["slow"])
    assert wire.open, "others are under way on it"


class Held(Line):
    """A wire on which a command stays until it is let go."""

    def __init__(self, log):
        super().__init__(log)
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, argv, **given):
        if argv != ["long"]:
            raise NodeUnreachable(name="n2", why="channel refused")
        self.begun.set()
        assert self.go.wait(10)
        assert self.open
        return super().run(argv, **given)


def test_what_one_command_suffers_ends_no_other():
    log = []
    wire, mute, fresh = Held(log), Line([], CommandTimeout(command="true", limit=1)), Line(log)
    node = host([wire, mute, fresh])
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(node.run, ["long"])
        assert wire.begun.wait(10)
        assert "true" in node.probe()
        with pytest.raises(NodeUnreachable):
            node.run(["short"])
        assert wire.open, "the long one is under way on it"
        node.run(["next"])
        wire.go.set()
        assert long.result(10).code == 0
    assert log == [["next"], ["long"]]
    assert not wire.open, "closed once nobody uses it"
    assert fresh.open


def test_a_node_that_did_something_meanwhile_is_there_however_slow_it_is():
    class Busy(Line):
        def run(self, argv, **given):
            if argv == ["true"]:
                node.run(["other"])
                raise CommandTimeout(command="true", limit=1)
            return super().run(argv, **given)

    log = []
    node = host([Busy(log), Line(log), Line([], CommandTimeout(command="true", limit=1))])
    assert node.probe() == ""
    assert log == [["other"]]
    assert "true" in node.probe(), "nothing was heard of it in this look"


def test_an_away_node_is_asked_nothing_until_it_is_back():
    log = []
    held = Line(log)
    node = host([held, Line(log), Line(log)])
    node.run(["a"])
    node.away("no route")
    assert not held.open, "calls in hand end too"
    with pytest.raises(NodeUnreachable, match="no route"):
        node.run(["b"])
    assert node.probe() == "", "whoever watches it may look"
    node.back()
    node.run(["c"])
    assert log == [["a"], ["true"], ["c"]]


def test_a_line_that_had_ended_is_tried_once_more_and_no_more():
    log, ended = [], LineEnded(name="n2", why="EOFError")
    node = host([Line([], ended), Line(log)])
    node.run(["a"])
    assert log == [["a"]]
    with pytest.raises(LineEnded):
        host([Line([], ended), Line([], ended)]).run(["b"])
