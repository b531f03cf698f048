"""mk/fixed-offsets: which checks it takes out of the assembly of ring 0, and that it takes nothing else."""
import subprocess

import pytest

from support import ROOT

CHECK = ["cmpq\t$-24, %rdi", "jnb\t.L9"]
TRAP = [".L9:", ".loc 1 5 3", "ud2"]


def filtered(tmp_path, lines):
    """What is left of them, without empty lines. Labels stand at the margin."""
    file = tmp_path / "made.s"
    file.write_text("".join(f"{line}\n" if line.startswith(".L") else f"\t{line}\n" for line in lines))
    done = subprocess.run([ROOT / "mk/fixed-offsets", file], capture_output=True, text=True, check=True, timeout=30)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def test_a_check_goes_and_its_comparison_with_it(tmp_path):
    after = ["movq\t24(%rdi), %rax", ".LVL7:", "testq\t%rax, %rax", "je\t.L2", "ret", *TRAP]
    assert filtered(tmp_path, [*CHECK, *after]) == after


def test_what_the_compiler_puts_in_between_stays(tmp_path):
    assert filtered(tmp_path, [CHECK[0], ".loc 1 4 2", ".LVL3:", CHECK[1], "ret", *TRAP]) == \
        [".loc 1 4 2", ".LVL3:", "ret", *TRAP]


@pytest.mark.parametrize("reader", ["jnb\t.L4", "je\t.L4", "setb\t%al", "cmovnb\t%rax, %rbx", "adcq\t$0, %rax", "sbbl\t%eax, %eax"])
def test_a_comparison_stays_that_another_looks_at(tmp_path, reader):
    after = ["movq\t%rsi, %rax", reader, "ret", *TRAP]
    assert filtered(tmp_path, [*CHECK, *after]) == [CHECK[0], *after]


def test_a_comparison_stays_that_may_be_looked_at_behind_a_label(tmp_path):
    after = [".L3:", "testq\t%rax, %rax", *TRAP]
    assert filtered(tmp_path, [*CHECK, *after]) == [CHECK[0], *after]


@pytest.mark.parametrize("lines", [
    ["cmpq\t%rdi, %rax", "jb\t.L9"],                       # an offset that varies
    ["cmpq\t%rdi, %rax", "jnb\t.L9"],
    ["cmpq\t$24, %rdi", "jnb\t.L9"],                       # a bound
    ["cmpl\t$-24, %edi", "jnb\t.L9"],                      # no address
    ["cmpq\t$-24, 8(%rdi)", "jnb\t.L9"],
    ["cmpq\t$-24, %rdi", "ja\t.L9"],
    ["cmpq\t$-24, %rdi", "jnb\t.L8"],                      # which goes on
    ["cmpq\t$-24, %rdi", ".L5:", "jnb\t.L9"],              # reached by another way too
    ["cmpq\t$-24, %rdi", "testq\t%rax, %rax", "jnb\t.L9"],
])
def test_all_else_stays(tmp_path, lines):
    whole = [*lines, "ret", ".L8:", "movl\t$1, %eax", "ret", *TRAP]
    assert filtered(tmp_path, whole) == whole
