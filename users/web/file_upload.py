"""Receives uploaded files in memory, or in temporary files without a name, so that a killed process
leaves nothing on the disk.
"""

from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

# Files up to this size stay in memory.
MEMORY_BYTES = 1 << 20
# The limit of a file on pages that declare none of their own.
UPLOAD_BYTES = 16 << 20
UploadLimit = Callable[[HttpRequest], int]
UPLOAD_LIMITS: dict[str, UploadLimit] = {}


def declare_upload_limit(path: str, limit: UploadLimit) -> None:
    """Registers how many bytes a file may have that is posted to `path`. `limit` is called before
    the file is read, and with a request whose sender may be nobody.
    """
    UPLOAD_LIMITS[path] = limit


def is_upload_too_large(request: HttpRequest) -> bool:
    """Returns whether a file of the request was left out because of its size."""
    return getattr(request, "upload_too_large", False)


class UnnamedFileHandler(FileUploadHandler):
    """Stores the files of a request, together up to the limit of its page. Beyond it, the rest of
    the request is not read, since nobody would use it.
    """

    def __init__(self, request: Any = None):
        super().__init__(request)
        self.request: Any = request
        self.received = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        declared = UPLOAD_LIMITS.get(self.request.path_info)
        self.limit = declared(self.request) if declared else UPLOAD_BYTES
        # The uploaded file closes it.
        self.file: Any = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > self.limit:
            self.request.upload_too_large = True
            raise StopUpload(connection_reset=True)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self.file.seek(0)
        return UploadedFile(
            file=self.file,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
        )

    def upload_interrupted(self) -> None:
        self.file.close()
