"""The guide on auditing an S3 server, line by line, with another Trailkeep's buckets as somebody's S3 server."""

import os
import re
from pathlib import Path

import pytest

from conftest import PROGRAM, ROOT, Server, eventually
from proxy_setup import free_port, listens
from proxy_upstreams import own_buckets
from test_readme import Shell, is_shown, steps

PAGE = ROOT / "docs/guides/audit-your-s3-server.md"
ERIN = ("AKIAERINEXAMPLE00001", "erins-secret")


class Functions(Shell):
    """A shell that remembers functions, too."""

    def run(self, command):
        if re.match(r"[a-z]+\(\) \{", command):
            self.before += f"\n{command}"
            return 0, ""
        return super().run(command)


@pytest.fixture
def upstream(tmp_path):
    server = own_buckets(tmp_path / "upstream", ERIN)
    yield server
    server.kill()


def test_every_line_of_the_guide_works_and_shows_what_it_shows(upstream, tmp_path):
    port = free_port()
    text = PAGE.read_text().replace("http://127.0.0.1:9000", upstream.url).replace("127.0.0.1:9100", f"127.0.0.1:{port}")
    page = tmp_path / "guide.md"
    page.write_text(text)
    config, identities = (re.search(rf"```toml\n# {name}\n(.*?)```", text, re.S)[1] for name in (r"trailkeep\.toml", r"identities\.toml"))
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "identities.toml").write_text(identities)
    # Paths are relative to where the program is started: here that is not the configuration's folder.
    server = Server(folder, config=config.replace('"identities.toml"', f'"{folder}/identities.toml"')).start()
    try:
        eventually(lambda: listens(port))
        variables = server.variables()
        variables["PATH"] = f"{Path(PROGRAM).parent}:{variables['PATH']}"
        variables["HOME"] = os.environ.get("HOME", str(tmp_path))
        assert follow(page, Functions(tmp_path, variables)) >= 12
    finally:
        server.kill()


def follow(page, shell):
    """Reads are asked again until they show what the page shows: what was read is recorded a moment after its answer."""
    walked = 0
    for command, shown in steps(page):
        walked += 1
        told = {}

        def works():
            told["code"], told["output"] = shell.run(command)
            return told["code"] == 0 and all(is_shown(line, told["output"]) for line in shown)

        if command.startswith(("trailkeep ", "aws cloudtrail list-")):
            try:
                eventually(works)
            except AssertionError:
                pass
        else:
            works()
        assert told["code"] == 0 and all(is_shown(line, told["output"]) for line in shown), f"$ {command}\n{told['output']}\nexpected:\n" + "\n".join(shown)
    return walked
