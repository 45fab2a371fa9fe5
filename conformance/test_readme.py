"""The README's tour, line by line, with the real AWS CLI."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import PROGRAM, ROOT

# Log files and digests take their time; every other line works at once.
PATIENCE_SECONDS = 60


def steps(page):
    """Commands of the page's console blocks, each with the output the page shows for it."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.S):
        command, shown = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, shown
                command, shown = line[2:], []
            else:
                shown.append(line)
        yield command, shown


def is_shown(line, output):
    """Whether the output has the line; … stands for anything."""
    pattern = ".*".join(re.escape(part) for part in line.split("…"))
    return any(re.fullmatch(pattern, printed) for printed in output.splitlines())


class Shell:
    """One bash for the whole page, so that variables last."""

    def __init__(self, folder, variables):
        self.folder, self.variables, self.before = folder, variables, ""

    def run(self, command):
        script = f"{self.before}\n{command}"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.variables, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def remember(self, command):
        if re.match(r"[A-Z]+=", command):
            code, value = self.run(f"{command}; echo -n ${command.split('=')[0]}")
            assert code == 0, value
            self.before += f"\n{command.split('=')[0]}='{value}'"


def follow(page, shell):
    walked = 0
    for command, shown in steps(page):
        if command.startswith("make "):
            continue
        walked += 1
        if re.match(r"[A-Z]+=", command):
            shell.remember(command)
            continue
        deadline = PATIENCE_SECONDS * 2
        while True:
            code, output = shell.run(command)
            if code == 0 and all(is_shown(line, output) for line in shown):
                break
            deadline -= 1
            waits = command.startswith(("aws s3 ls", "aws cloudtrail get-import ", "aws cloudtrail validate-logs", "trailkeep lookup"))
            assert waits and deadline > 0, f"$ {command}\n{output}\nexpected:\n" + "\n".join(shown)
            subprocess.run(["sleep", "0.5"], check=True)
    return walked


PAGES = [
    "README.md",
    "docs/guides/send-events.md",
    "docs/guides/import.md",
    "docs/guides/query.md",
    "docs/guides/copy-trail-events.md",
    "docs/guides/integrations.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_line_of_the_page_works_and_shows_what_the_page_shows(make_server, tmp_path, page):
    server = make_server("--demo")
    variables = server.variables()
    variables["PATH"] = f"{Path(PROGRAM).parent}:{variables['PATH']}"
    variables["HOME"] = os.environ.get("HOME", str(tmp_path))
    assert follow(ROOT / page, Shell(tmp_path, variables)) >= 4
