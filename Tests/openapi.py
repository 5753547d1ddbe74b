"""Holds answers against an OpenAPI document, by the packages openapi-spec-validator and jsonschema.

Usage: openapi.py DOCUMENT ANSWERS      both files of JSON; prints a list with one list of complaints for each answer.
An answer is {"method", "path", "status", "headers": [[name, value]…], "body": base64}.
"""

import base64
import json
import re
import sys

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "urn:document"


def pattern(template):
    pieces = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(re.escape(piece) for piece in pieces))


def pointer(*keys):
    return BASE + "#/" + "/".join(key.replace("~", "~0").replace("/", "~1") for key in keys)


class Judge:
    def __init__(self, document):
        self.document = document
        resource = Resource(contents=document, specification=DRAFT202012)
        self.registry = Registry().with_resource(BASE, resource)

    def schema_faults(self, value, *keys):
        validator = Draft202012Validator(
            {"$ref": pointer(*keys)}, registry=self.registry, format_checker=FormatChecker()
        )
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]

    def template(self, path):
        if path in self.document["paths"]:
            return path
        found = [name for name in self.document["paths"] if pattern(name).fullmatch(path)]
        return min(found, key=lambda name: name.count("{"), default=None)

    def faults(self, answer):
        path = answer["path"].split("?")[0]
        template = self.template(path)
        if template is None:
            return [f"no path for {path}"]
        methods = self.document["paths"][template]
        method = answer["method"].lower()
        # What a path does not have is refused, as its other operations say.
        if method not in methods and answer["status"] == 405:
            method = next(iter(methods))
        if method not in methods:
            return [f"no operation {method} {template}"]
        status = str(answer["status"])
        responses = methods[method]["responses"]
        if status not in responses:
            return [f"{status} is no answer of {method} {template}"]
        place = ("paths", template, method, "responses", status)
        return self.header_faults(answer, responses[status], place) + self.body_faults(answer, responses[status], place)

    def header_faults(self, answer, response, place):
        given = {name.lower(): value for name, value in answer["headers"]}
        faults = []
        for name, header in response.get("headers", {}).items():
            if name.lower() in given:
                value = given[name.lower()]
                faults += self.schema_faults(value, *place, "headers", name, "schema")
            elif header.get("required"):
                faults.append(f"{name} is missing")
        for name in ("content-range", "retry-after", "location", "www-authenticate", "allow", "etag"):
            if name in given and name not in {key.lower() for key in response.get("headers", {})}:
                faults.append(f"{name} is not told of")
        return faults

    def body_faults(self, answer, response, place):
        body = base64.b64decode(answer["body"])
        content = response.get("content", {})
        given = {name.lower(): value for name, value in answer["headers"]}
        if not content or answer["method"] == "HEAD":
            return ["a body where there is none"] if body else []
        media_type = given.get("content-type", "").split(";")[0].strip().lower()
        if media_type not in content:
            return [f"{media_type or 'no media type'} is not told of"]
        if "schema" not in content[media_type]:
            return [] if body else ["no body"]
        value = json.loads(body) if media_type.endswith("json") else body.decode()
        return self.schema_faults(value, *place, "content", media_type, "schema")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        answers = json.load(file)
    broken = [error.message[:300] for error in OpenAPIV31SpecValidator(document).iter_errors()]
    judge = Judge(document)
    json.dump({"document": broken, "answers": [judge.faults(answer) for answer in answers]}, sys.stdout)


main()
