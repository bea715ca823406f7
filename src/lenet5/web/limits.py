"""How much a client may ask for: every bound of the server in one place, shown by /v1/limits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds; names end in their units.

    bodies_bytes     held of all requests' bodies at once, from their arrival to their answers
    free_bytes       of each body, not counted there: digits get through however many photographs are waiting
    json_bytes       a body that is JSON, which is parsed while others wait; 256 images as JSON have 1.0 MB
    receive_seconds  from the first byte of a request, or the opening of its connection, to its last byte
    idle_seconds     how long a connection may rest between requests
    predict_seconds  from a request's arrival to its computing; also for /v1/explain
    read_seconds     for a photograph to wait for a worker process, and as long again to be read
    decode_seconds   the same for a picture given to /v1/predict or /v1/explain, to be decoded
    send_seconds     from a request's first byte to its answer's last byte
    drain_seconds    for what is in flight, once the server was asked to stop
    queue_images     images that may wait for the model
    batch_images     images from which a batch takes no further request
    waiting_pictures pictures that may wait for a worker process
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
