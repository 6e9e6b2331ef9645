"""Enter a weight file that lies in vasari/weights/ into its manifest, or check them all.

    python scripts/weights_manifest.py add NAME FILE --licence L --source S --card CARD.md
    python scripts/weights_manifest.py check

FILE and CARD are names inside vasari/weights/. `add` replaces an entry of the same name.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

WEIGHTS = Path(__file__).resolve().parent.parent / "vasari" / "weights"
TOTAL_BYTES = 60_000_000


def read(folder: Path = WEIGHTS) -> dict[str, dict[str, str | int]]:
    """The manifest as it lies on disk; empty when there is none."""
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def register(
    name: str, file: str, licence: str, source: str, card: str, folder: Path = WEIGHTS
) -> None:
    """Write the entry of one file. Raises FileNotFoundError when file or card is missing."""
    data = (folder / file).read_bytes()
    if not (folder / card).is_file():
        raise FileNotFoundError(f"{folder / card}: every weight file needs its model card")
    table = read(folder)
    table[name] = {
        "file": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": licence,
        "source": source,
        "card": card,
    }
    text = json.dumps(dict(sorted(table.items())), indent=2, ensure_ascii=False) + "\n"
    temporary = folder / f".manifest.{os.getpid()}.json"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / "manifest.json")


def problems(folder: Path = WEIGHTS) -> list[str]:
    """What is wrong with the manifest, its files and cards; empty when all is well."""
    found = []
    table = read(folder)
    for name, entry in table.items():
        path = folder / str(entry["file"])
        if not path.is_file():
            found.append(f"{name}: {entry['file']} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            found.append(f"{name}: {entry['file']} differs from its SHA-256")
        if not (folder / str(entry["card"])).is_file():
            found.append(f"{name}: the card {entry['card']} is missing")
    entered = {str(entry["file"]) for entry in table.values()}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".onnx", ".safetensors") and path.name not in entered:
            found.append(f"{path.name} is not in the manifest")
    total = sum(int(entry["bytes"]) for entry in table.values())
    if total > TOTAL_BYTES:
        found.append(f"the files hold {total} bytes together, over {TOTAL_BYTES}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The manifest of the shipped weights.")
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("name")
    add.add_argument("file")
    for option in ("--licence", "--source", "--card"):
        add.add_argument(option, required=True)
    commands.add_parser("check")
    given = parser.parse_args()
    if given.command == "add":
        register(given.name, given.file, given.licence, given.source, given.card)
        return
    found = problems()
    print("\n".join(found) or "all weights are in order")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
