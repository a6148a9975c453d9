"""What has been measured, one JSON object a line, so that an interrupted run goes on where it stopped."""

import json


class Cache:
    """Lines {"key": {...}, "values": {...}} of one file; a line cut short by a crash is measured again."""

    def __init__(self, path):
        self.path, self.known = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self.known[self._text(entry["key"])] = entry["values"]
            except (ValueError, KeyError, TypeError):
                continue
        if text and not text.endswith("\n"):
            self._append("\n")

    @staticmethod
    def _text(key):
        return json.dumps(key, sort_keys=True)

    def _append(self, text):
        with open(self.path, "a") as file:
            file.write(text)

    def get(self, key):
        """The values, or None."""
        return self.known.get(self._text(key))

    def put(self, key, values):
        self.known[self._text(key)] = values
        self._append(json.dumps({"key": key, "values": values}) + "\n")
