"""Judges requests with a carrier's own package, and signs some: one JSON object a line in, one out.

Usage: official.py twilio|telnyx|elevenlabs < requests > answers
A line with "sign" is answered with what the carrier would send; any other with {"valid": true or false}.
"""

import base64
import hashlib
import hmac
import json
import sys
import time


def at(seconds):
    """Sets the clock that the packages read."""
    time.time = lambda: seconds


class Fields(dict):
    """Fields of a form whose names may repeat, as Django hands them to Twilio's validator."""

    def __init__(self, pairs):
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getlist(self, name):
        return self[name]


def twilio():
    from twilio.request_validator import RequestValidator, get_signature_algorithm

    def answer(line):
        validator = RequestValidator(line["secret"])
        algorithm = get_signature_algorithm(line["settings"])
        form = Fields(line["form"])
        if line.get("sign"):
            return {"signature": validator.compute_signature(line["url"], form, algorithm)}
        content = line["body"] if line["body"] is not None else form
        return {"valid": validator.validate(line["url"], content, line["signature"], algorithm)}

    return answer


def telnyx():
    from nacl.signing import SigningKey
    from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

    def answer(line):
        if line.get("sign"):
            key = SigningKey(base64.b64decode(line["seed"]))
            message = f"{line['timestamp']}|{line['body']}".encode()
            return {
                "signature": base64.b64encode(key.sign(message).signature).decode(),
                "key": base64.b64encode(bytes(key.verify_key)).decode(),
            }
        at(line["now"])
        headers = {"Telnyx-Signature-Ed25519": line["signature"], "Telnyx-Timestamp": line["timestamp"]}
        try:
            verify_webhook_signature(line["body"].encode(), headers, line["key"])
            return {"valid": True}
        except WebhookVerificationError:
            return {"valid": False}

    return answer


def elevenlabs():
    from elevenlabs.errors import BadRequestError
    from elevenlabs.webhooks_custom import WebhooksClient

    def answer(line):
        if line.get("sign"):
            # The package cannot sign; this is the formula of its documentation.
            message = f"{line['timestamp']}.{line['body']}".encode()
            code = hmac.new(line["secret"].encode(), message, hashlib.sha256).hexdigest()
            return {"signature": f"t={line['timestamp']},v0={code}"}
        at(line["now"])
        try:
            WebhooksClient.construct_event(None, line["body"], line["signature"], line["secret"])
            return {"valid": True}
        except BadRequestError:
            return {"valid": False}

    return answer


def main():
    answer = {"twilio": twilio, "telnyx": telnyx, "elevenlabs": elevenlabs}[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))))


main()
