"""Checks `penstock scan` on files that other programs wrote.

For each format: random values of 8 to 40 printable characters are written by a program that is not ours, and used if an independent reader returns them
unchanged. Each file contains some of them in a row, so that the excerpt of one finding shows its neighbours. A commit contains the values, the commit before
it other values with the same starts. Then

- no four characters in a row of any value appear in any report, of any format and with any confidence;
- no value is reported as existing unless it is;
- of the values of a format, no fewer are found than of the same values in quoted JSON.

Four characters that a report contains by chance are ignored: those of the files' own paths, of reports about other values, of hashes and of numbers.
"""
import argparse, html, json, logging, os, random, re, shutil, subprocess, sys, tempfile
from pathlib import Path

from formats import FORMATS

PENSTOCK = os.environ["PENSTOCK"]
NAMES = ["alpha", "bravo", "carol", "delta", "eagle"]
OUTPUTS = ["text", "json", "jsonl", "sarif", "junit", "markdown"]
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
PIECE = 4


def stream(seed):
    """Endless pairs of values with a common start."""
    rnd = random.Random(seed)
    while True:
        length = rnd.randint(8, 40)
        value = "".join(rnd.choice(PRINTABLE) for _ in range(length))
        common = rnd.randint(length // 2, length - 2)
        before = value[:common] + "".join(rnd.choice(PRINTABLE) for _ in range(length - common))
        if value != before:
            yield value, before


def round_trip(write, read, values):
    """The text of a file with these values, or None if the reader does not return them."""
    named = {f"{name}_password": value for name, value in zip(NAMES, values)}
    try:
        text = write(named)
        return text if dict(read(text)) == named else None
    except Exception:  # whatever a writer or reader says against a value, it is not in the set
        return None


def choose(write, read, count, seed):
    """The first pairs of the stream whose values both survive the round trip. Tried together as long as all do: some writers are slow."""
    chosen, pairs = [], stream(seed)
    for _ in range(10 * count):
        if len(chosen) >= count:
            return chosen[:count]
        group = [next(pairs) for _ in NAMES]
        if all(round_trip(write, read, column) for column in zip(*group)):
            chosen += group
        else:
            chosen += [pair for pair in group if all(round_trip(write, read, [value]) for value in pair)]
    sys.exit(f"only {len(chosen)} values could be written")


def git(folder, *args):
    # The user's own configuration must not change what is committed.
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", folder, *args], check=True, capture_output=True, env=env)


def write_tree(folder, name, pairs, which):
    """Writes the values of a format, some in a file; returns the text of each file by its path, with its values."""
    file, write, read = FORMATS[name]
    files = {}
    for number, start in enumerate(range(0, len(pairs), len(NAMES))):
        group = [pair[which] for pair in pairs[start:start + len(NAMES)]]
        texts = [(round_trip(write, read, group), group)]
        if texts[0][0] is None:  # a reader that does not take them together
            texts = [(round_trip(write, read, [value]), [value]) for value in group]
        for part, (text, values) in enumerate(texts):
            path = f"tree/{list(FORMATS).index(name)}/{number}/{part}/{file}"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
            files[path] = (text, values)
    return files


def scan(folder, *args):
    """One scan with all reports; returns the output, raw and without the escapes of its format."""
    out = folder.parent / "reports"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    outputs = [f"--output={name}={out / name}" for name in OUTPUTS]
    done = subprocess.run([PENSTOCK, "scan", *args, *outputs], cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"penstock exited {done.returncode}: {done.stderr}")
    said = [done.stdout, done.stderr] + [(out / name).read_text() for name in OUTPUTS]
    report = json.loads((out / "json").read_text())
    said += [html.unescape(text) for text in said]
    said += list(strings(report)) + list(strings(json.loads((out / "sarif").read_text())))
    said += [text.replace("\\", "") for text in said]  # Markdown's escapes
    return report, "\n".join(said)


def strings(data):
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)


def pieces(text):
    text = re.sub(r"[0-9a-f]{16,}", "\n", text)
    return {text[at:at + PIECE] for at in range(len(text) - PIECE + 1)}


def key_lines(text):
    """Line numbers of the names in a file."""
    rows = text.splitlines()
    return {name: number for name in NAMES for number, row in reversed(list(enumerate(rows, 1))) if re.search(rf"(?i)\b{name}|_{name}", row)}


def found_values(report, files):
    """Which values were found, by the name above each finding, and the change that was reported for it."""
    found = {}
    for finding in report["findings"]:
        path, line = finding["location"]["path"], finding["location"]["start_line"]
        if path not in files:
            continue
        text, values = files[path]
        above = [(number, name) for name, number in key_lines(text).items() if number <= line and NAMES.index(name) < len(values)]
        if above:
            found[(path, NAMES.index(max(above)[1]))] = finding.get("change")
    return found


def measure(values, control, where):
    """The errors of each format, and which of its values were found. One tree contains all formats, so the program starts three times in total."""
    folder = where / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    same, files = {}, {}
    for name, pairs in values.items():
        same |= write_tree(folder / "same", name, control[name][:len(NAMES)], 0)
        write_tree(folder, name, pairs, 1)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "base")
    shutil.rmtree(folder / "tree")
    for name, pairs in values.items():
        files |= write_tree(folder, name, pairs, 0)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "head")
    report, said = scan(folder, "--base", "HEAD~1")
    _, more = scan(folder, "--all-files", "--min-confidence", "low", ".")
    # Text of reports about other values.
    shutil.rmtree(folder / "tree")
    shutil.rmtree(folder / "same")
    for name in values:
        write_tree(folder, name, control[name], 0)
    _, usual = scan(folder, "--all-files", "--min-confidence", "low", ".")
    usual = pieces(usual) | pieces("\n".join(files))
    shown = {piece for piece in pieces(said + "\n" + more) - usual if not re.fullmatch(r"[0-9:TZ., +/-]+", piece)}

    wrong, found = [], {name: set() for name in values}
    by_number = list(FORMATS)
    for (path, at), change in found_values(report, files).items():
        name, value = by_number[int(path.split("/")[1])], files[path][1][at]
        found[name].add(value)
        if change != "new":
            wrong.append(f"{name}: called {change}: {value!r} in {path}")
    standing = found_values(report, {f"same/{path}": text for path, text in same.items()})
    for name in values:
        own = [change for (path, _), change in standing.items() if by_number[int(path.split("/")[2])] == name]
        if "existing" not in own:
            wrong.append(f"{name}: what is unchanged is not called existing")
        for pair in values[name]:
            for text in pair:
                seen = pieces(text) & shown
                if seen:
                    wrong.append(f"{name}: shown: {sorted(seen)} of {text!r}")
    return found, wrong


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--seed", type=int, default=1, help="makes the values (default 1, the same ones each time)")
    cli.add_argument("--count", type=int, default=500, help="values of each format (default 500)")
    cli.add_argument("--only", help="only these formats and JSON, separated by semicolons")
    cli.add_argument("--misses", action="store_true", help="list what JSON found and a format did not")
    opt = cli.parse_args()
    logging.disable()  # what the readers say of values that they do not take
    names = opt.only.split(";") if opt.only else [name for name in FORMATS if name != "json"]
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["TMPDIR"] = temporary
        chosen = lambda count, seed: {name: choose(*FORMATS[name][1:], count, seed) for name in ["json", *names]}
        values, control = chosen(opt.count, f"{opt.seed}"), chosen(2 * len(NAMES), f"control {opt.seed}")
        # JSON can represent every value of any format.
        values["json"] = list(dict.fromkeys(pair for pairs in values.values() for pair in pairs))
        found, wrong = measure(values, control, Path(temporary))
    rows = []
    print(f"Seed {opt.seed}, {opt.count} values of each format\n\n| format | found | the same in JSON |\n|---|--:|--:|")
    for name in values:
        own = {value for value, _ in values[name]}
        mine, theirs = len(found[name]), len(own & found["json"])
        print(f"| {name} | {100 * mine / len(own):.1f} % | {100 * theirs / len(own):.1f} % |")
        if mine < theirs:
            wrong.append(f"{name}: {mine} found, and {theirs} of the same in JSON")
        if opt.misses:
            rows += [f"missed in {name}: {value!r}" for value in sorted(own & found["json"] - found[name])]
    print("\n".join(["", *rows, *wrong[:60]]) + ("" if len(wrong) <= 60 else f"\n… and {len(wrong) - 60} more"))
    if wrong:
        sys.exit(f"error: {len(wrong)} violations with seed {opt.seed}")


if __name__ == "__main__":
    main()
