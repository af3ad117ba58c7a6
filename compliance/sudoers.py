"""The inspector's account on a node, as the texts that the role writes: what it may do, and nothing else.

    python -I -m compliance.sudoers sudoers | answer | shell | sshd

`shell` is the account's login shell: whoever comes in as this account, over SSH or by any other door, gets the
answers and nothing else. `sudoers` lets it run one program, `answer`, without any argument; that program starts
the sandbox of `compliance.sandbox`. Each text is fixed by the product: no input chooses any part of it.
"""

import shlex
import sys

from compliance import sandbox
from compliance.far import ACCOUNT

ANSWER = "/usr/lib/hbox/answer"
SHELL = "/usr/lib/hbox/inspect-shell"
KEYS = "/etc/ssh/hbox-inspect.keys"
_HEAD = "# Written by the role `inspector` from compliance.sudoers; a change here is undone by its next run.\n"


def sudoers() -> str:
    """Return the sudoers file: one program as root, `""` meaning that it takes no argument at all."""
    return (
        f"{_HEAD}Defaults:{ACCOUNT} env_reset, !use_pty, !setenv, !mail_badpass\n"
        f'{ACCOUNT} ALL=(root:root) NOPASSWD:NOSETENV: {ANSWER} ""\n'
    )


def answer() -> str:
    """Return the program that root runs: the sandboxed unit, every word fixed, no input, a clean environment."""
    command = shlex.join(sandbox.answering())
    return f"#!/bin/sh\n{_HEAD}exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin {command} </dev/null\n"


def shell() -> str:
    """Return the login shell: it looks at none of its arguments."""
    return f"#!/bin/sh\n{_HEAD}exec /usr/bin/sudo -n -- {ANSWER} </dev/null\n"


def sshd() -> str:
    """Return sshd's rules for the account: one file of keys that root writes, no line but the answers."""
    return f"""{_HEAD}Match User {ACCOUNT}
  AuthorizedKeysFile {KEYS}
  AuthenticationMethods publickey
  DisableForwarding yes
  PermitTTY no
  PermitUserRC no
  ForceCommand {SHELL}
"""


def main(arguments: list[str]) -> int:
    """Print the text that is asked for."""
    sys.stdout.write(
        {"sudoers": sudoers, "answer": answer, "shell": shell, "sshd": sshd}[arguments[0]]()
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
