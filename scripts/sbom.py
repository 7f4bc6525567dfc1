"""The packages in the shipped binary, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/), from `cargo metadata` on standard input.

Owns the choice: what `penstock` links, so neither build scripts, procedural macros nor what only tests use. Checksums are those of Cargo.lock.
"""

import json
import re
import sys

metadata = json.load(sys.stdin)
target = sys.argv[1]
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
entry = r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([^"]+)"'
lock = {(name, version): checksum for name, version, checksum in re.findall(entry, open("Cargo.lock", encoding="utf-8").read())}


def is_macro(package):
    return any("proc-macro" in one["kind"] for one in package["targets"])


def linked(node):
    """The packages that become part of the binary through this one."""
    for dependency in node["deps"]:
        is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
        if is_normal and not is_macro(packages[dependency["pkg"]]):
            yield dependency["pkg"]


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package):
    checksum = lock.get((package["name"], package["version"]))
    return {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
        "licenses": [{"expression": (package["license"] or "NOASSERTION").replace("/", " OR ")}],
        "hashes": [{"alg": "SHA-256", "content": checksum}] if checksum else [],
    }


root = next(one for one in metadata["packages"] if one["name"] == "penstock" and one["id"] in metadata["workspace_members"])
seen, waiting = set(), [root["id"]]
while waiting:
    one = waiting.pop()
    if one not in seen:
        seen.add(one)
        waiting.extend(linked(nodes[one]))

others = sorted((packages[one] for one in seen if one != root["id"]), key=reference)
document = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {
        "component": {
            "type": "application",
            "bom-ref": reference(root),
            "name": root["name"],
            "version": root["version"],
            "purl": reference(root),
            "licenses": [{"expression": root["license"]}],
            "properties": [{"name": "target", "value": target}],
        }
    },
    "components": [component(one) for one in others],
    "dependencies": [
        {"ref": reference(packages[one]), "dependsOn": sorted({reference(packages[other]) for other in linked(nodes[one])})}
        for one in sorted(seen, key=lambda one: reference(packages[one]))
    ],
}
json.dump(document, sys.stdout, indent=1)
print()
