"""Scripts in packetdrill's language, played against the door that packetdrill itself would use."""
import pytest

import packetdrill
from support import BUILD, ROOT, SANITIZED

DOOR = BUILD / "packetdrill.so"
SCRIPTS = sorted((ROOT / "tests/packetdrill").glob("*.pkt"))
PLAYS = [pytest.param(script, version, id=f"{script.stem}-v{version}")
         for script in SCRIPTS for version in packetdrill.versions(script.read_text())]

# The interpreter has no sanitizers of its own.
pytestmark = pytest.mark.skipif(SANITIZED, reason="a shared object under sanitizers cannot be loaded here")


@pytest.mark.parametrize("script, version", PLAYS)
def test_script(script, version):
    packetdrill.play(DOOR, script, version)


def test_wrong_scripts_fail(tmp_path):
    """The player sees what is not as the script says."""
    good = (ROOT / "tests/packetdrill/handshake.pkt").read_text()
    wrong = [good.replace("ack 101", "ack 102", 1), good.replace("1:1001(1000) ack 101", "1:1000(999) ack 101"),
             good.replace("read(4, ..., 1000) = 100", "read(4, ..., 1000) = 99"),
             good.replace("+0 > F.", "+1 > F."), good.replace("> S. 0:0(0) ack 1 <...>", "> S. 0:0(0) ack 1 <mss 1>")]
    for number, text in enumerate(wrong):
        assert text != good
        script = tmp_path / f"{number}.pkt"
        script.write_text(text)
        with pytest.raises(packetdrill.Mismatch):
            packetdrill.play(DOOR, script, 4)


def test_exports_one_name():
    import subprocess
    names = subprocess.run(["nm", "-D", "--defined-only", DOOR], check=True, capture_output=True, text=True).stdout
    assert [line.split()[2] for line in names.splitlines()] == ["packetdrill_interface_init"]
