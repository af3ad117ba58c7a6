"""A node over SSH, against the node's own sshd: the same behaviour as the machine itself."""

import threading
from dataclasses import replace

import pytest

from appliance.host import CommandFailed, CommandMissing, CommandTimeout, LocalHost
from hardware.reconnecting import NodeHost
from hardware.ssh import NodeUnreachable, Place, SshHost
from images.lab.forward import free_port

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def place(the_lab, tmp_path_factory):
    """The node's sshd through a forwarder on the loopback, its key known beforehand."""
    port, node = free_port(), the_lab.nodes[0]
    the_lab.forward(port, "mgmt", f"{node.address}:22")
    known = tmp_path_factory.mktemp("ssh") / "known_hosts"
    kind, text, *_ = node.read("/etc/ssh/ssh_host_ed25519_key.pub").decode().split()
    known.write_text(f"[127.0.0.1]:{port} {kind} {text}\n")
    return Place("127.0.0.1", "root", the_lab.names.folder / "id_ed25519", known, port)


@pytest.fixture(scope="module")
def connected(place):
    with SshHost("node1", place) as made:
        yield made


@pytest.fixture(params=["ssh", "local"])
def machine(request, connected):
    """Both doors to a machine: what holds for one must hold for the other."""
    return connected if request.param == "ssh" else LocalHost()


@pytest.fixture
def stranger(place, tmp_path):
    """The same place, but the node's key is another one than the known one."""
    LocalHost().run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")])
    kind, text, *_ = (tmp_path / "other.pub").read_text().split()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{place.port} {kind} {text}\n")
    return replace(place, known_hosts=known)


def test_output_exit_code_and_error_come_apart(machine):
    done = machine.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.code, done.out, done.err) == (3, b"out\n", b"err\n")


def test_no_word_is_read_by_a_shell(machine):
    odd = ["a b", "$HOME", "`id`", "';'", "*", "", "\n", "中文"]
    done = machine.run(["printf", "%s|", *odd])
    assert done.out.decode() == "".join(f"{word}|" for word in odd)


def test_standard_input_and_environment(machine):
    done = machine.run(["sh", "-c", 'cat; printf "%s" "$WORD"'], stdin=b"in\n", env={"WORD": "a b"})
    assert done.out == b"in\na b"


def test_failure_timeout_and_missing_program_are_errors_of_their_own(machine):
    with pytest.raises(CommandFailed, match="ended with 4"):
        machine.run(["sh", "-c", "echo why >&2; exit 4"])
    with pytest.raises(CommandTimeout):
        machine.run(["sleep", "9"], timeout=0.3)
    with pytest.raises(CommandMissing):
        machine.run(["hbox-no-such-program"])


def test_much_output_on_both_streams_does_not_stop_the_program(machine):
    big = "yes 0123456789abcdef | head -c 4000000"
    done = machine.run(["sh", "-c", f"{big} >&2 & {big}; wait"], timeout=30)
    assert (len(done.out), len(done.err)) == (4_000_000, 4_000_000)


def test_files_are_written_whole_with_their_mode_and_read_back(machine, tmp_path):
    path, data = f"{tmp_path}/deep/a b.bin", bytes(range(256)) * 4096
    machine.write(path, data, mode=0o600)
    assert machine.read(path) == data
    assert machine.run(["stat", "-c", "%a", path]).text == "600\n"
    machine.write(path, b"", mode=0o644)
    assert machine.read(path) == b""
    assert machine.run(["ls", "-A", f"{tmp_path}/deep"]).text == "a b.bin\n"


def test_files_of_proc_and_missing_files(machine):
    assert b"MemTotal" in machine.read("/proc/meminfo")
    with pytest.raises(FileNotFoundError):
        machine.read("/no/such/file")


def test_a_node_with_another_key_is_refused(stranger):
    with pytest.raises(NodeUnreachable, match="BadHostKey"):
        SshHost("node1", stranger)


def test_an_unknown_node_is_refused(place, tmp_path):
    (tmp_path / "empty").write_text("")
    with pytest.raises(NodeUnreachable, match="not found in known_hosts"):
        SshHost("node1", replace(place, known_hosts=tmp_path / "empty"))


def test_a_key_the_node_does_not_know_is_refused(place, tmp_path):
    LocalHost().run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "foreign")]
    )
    with pytest.raises(NodeUnreachable, match="Authentication"):
        SshHost("node1", replace(place, key=tmp_path / "foreign"))


def test_nobody_there(place):
    with pytest.raises(NodeUnreachable):
        SshHost("node1", replace(place, address="127.0.0.2", port=1), patience=2)


def test_a_closed_connection_is_unreachable(place):
    closed = SshHost("node1", place)
    closed.close()
    with pytest.raises(NodeUnreachable):
        closed.run(["true"])


def test_several_threads_share_a_connection(connected):
    said: list[bytes] = []
    threads = [
        threading.Thread(target=lambda i=i: said.append(connected.run(["echo", str(i)]).out))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [b"%d\n" % i for i in range(8)]


def test_programs_that_end_before_their_input_do_not_end_the_line_for_others(place):
    """The node ends the whole connection when it is sent anything for a channel that it has closed."""
    node, over, failed = NodeHost("node1", place), threading.Event(), []

    def ask_shortly():
        while not over.is_set():
            try:
                node.run(["true"])
            except NodeUnreachable as error:
                failed.append(error)

    others = [threading.Thread(target=ask_shortly) for _ in range(5)]
    for other in others:
        other.start()
    shut = ["sh", "-c", "exit 7"]
    try:
        codes = {node.run(shut, stdin=bytes(2**20), check=False).code for _ in range(60)}
    finally:
        over.set()
        for other in others:
            other.join()
        node.close()
    assert (codes, failed) == ({7}, [])
