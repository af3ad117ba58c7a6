"""What is sealed for one reader opens with that key, for that purpose, and with nothing else."""

import pytest

from appliance.onetime import NotForThisKey, Opener, seal


def test_only_the_right_key_and_purpose_open_it():
    mine, other = Opener(), Opener()
    held = seal(mine.public, "患者正文".encode(), "look 1")
    assert mine.open(held, "look 1") == "患者正文".encode()
    assert "患者".encode() not in held
    for opener, data, purpose in (
        (other, held, "look 1"),
        (mine, held, "look 2"),
        (mine, held[:-1], "look 1"),
        (mine, b"", "look 1"),
    ):
        with pytest.raises(NotForThisKey):
            opener.open(data, purpose)
    assert mine.public not in repr(mine)
