"""Makes dashboard.schema.json of Grafana's own types: run it in a folder with the two npm packages of README.md installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TYPES = "node_modules/@grafana/schema/dist/types"
PANELS = {
    "timeseries": ("Options", "FieldConfig"),
    "stat": ("Options",),
    "state-timeline": ("Options", "FieldConfig"),
    "status-history": ("Options", "FieldConfig"),
    "table": ("Options", "FieldConfig"),
    "bargauge": ("Options",),
}
# What the data sources read from an annotation itself; the types leave that open to them.
BESIDE = ("query", "titleColumn", "textColumn", "tagsColumn", "expr", "step", "titleFormat", "textFormat", "tagKeys")


def schema_of(path: str, name: str) -> dict[str, Any]:
    command = ["npx", "ts-json-schema-generator", "--path", f"{TYPES}/{path}", "--type", name, "--no-type-check"]
    made: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return made


def main() -> None:
    dashboard = schema_of("raw/dashboard/x/types.gen.d.ts", "Dashboard")
    # veneer/dashboard.types.d.ts gives annotations any query for a target.
    annotation = dashboard["definitions"]["AnnotationQuery"]["properties"]
    annotation["target"] = {"type": "object", "required": ["refId"]}
    annotation |= {name: {"type": "string"} for name in BESIDE}
    found = {"dashboard": dashboard}
    for panel, names in PANELS.items():
        folder = panel.replace("-", "")
        for name in names:
            found[f"{panel} {name}"] = schema_of(f"raw/composable/{folder}/panelcfg/x/types.gen.d.ts", name)
    text = json.dumps(without_descriptions(found), indent=1, sort_keys=True)
    Path(sys.argv[1]).write_text(text + "\n", encoding="utf-8")


def without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_descriptions(each)
            for key, each in value.items()
            if not (key == "description" and isinstance(each, str))
        }
    return [without_descriptions(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
