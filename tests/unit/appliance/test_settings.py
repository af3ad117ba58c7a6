"""Settings: defaults, a file, and what is refused."""

from pathlib import Path

import pytest

from appliance.errors import BadInput
from appliance.settings import Settings, load


def test_a_missing_file_means_defaults(tmp_path):
    assert load(tmp_path / "none.toml") == Settings()


def test_known_keys_are_taken(tmp_path):
    file = tmp_path / "hbox.toml"
    file.write_text('state = "/x"\nconsole_port = 9443\nsite_name = "一医院"\n')
    settings = load(file)
    assert settings.state == Path("/x")
    assert settings.console_port == 9443
    assert settings.database == "sqlite:////x/db/hbox.sqlite"


@pytest.mark.parametrize("text", ['colour = "red"', 'console_port = "x"', "state = 1", "="])
def test_unknown_keys_and_wrong_types_are_refused(tmp_path, text):
    file = tmp_path / "hbox.toml"
    file.write_text(text)
    with pytest.raises(BadInput):
        load(file)
