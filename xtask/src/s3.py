"""Serves S3 from memory for tests: an object is compared and replaced at once, as object stores do it."""

import sys
import threading

from moto.s3.responses import S3Response
from moto.server import main

ONE_AT_A_TIME = threading.RLock()


def guarded(answer):
    def whole(*arguments, **named):
        with ONE_AT_A_TIME:
            return answer(*arguments, **named)

    return whole


for name in ("put_object", "_key_response_post", "copy_object", "delete_object"):
    setattr(S3Response, name, guarded(getattr(S3Response, name)))
main(sys.argv[1:])
