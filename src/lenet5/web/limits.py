"""All limits of the server, as returned by /v1/limits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of the server; names end in their units.

    bodies_bytes     total size of all request bodies in memory, from their arrival to their responses
    free_bytes       first bytes of each body that do not count, so that digits pass even when many photographs wait
    json_bytes       size of a JSON body, whose parsing blocks other requests; 256 images as JSON take 1.0 MB
    receive_seconds  from the first byte of a request, or the opening of its connection, to its last byte
    idle_seconds     maximum idle time of a connection between requests
    predict_seconds  from the arrival of a request to the start of its computation; also for /v1/explain
    read_seconds     for a photograph to wait for a worker process, and again to be read
    decode_seconds   the same for a picture sent to /v1/predict or /v1/explain, to be decoded
    send_seconds     from the first byte of a request to the last byte of its response
    drain_seconds    for requests in flight after the server was asked to stop
    queue_images     maximum number of images waiting for the model
    batch_images     number of images at which a batch is full
    waiting_pictures maximum number of pictures waiting for a worker process
    memory_bytes     address space of a worker process
    """

    body_bytes: int = 8 << 20
    bodies_bytes: int = 64 << 20
    free_bytes: int = 16 << 10
    json_bytes: int = 2 << 20
    header_bytes: int = 16 << 10
    images: int = 256
    picture_pixels: int = 20_000_000
    picture_side_px: int = 8_192
    connections: int = 1_024
    queue_images: int = 1_024
    batch_images: int = 64
    waiting_pictures: int = 32
    receive_seconds: float = 10.0
    idle_seconds: float = 15.0
    predict_seconds: float = 5.0
    decode_seconds: float = 5.0
    read_seconds: float = 20.0
    send_seconds: float = 45.0
    drain_seconds: float = 10.0
    memory_bytes: int = 1 << 30
