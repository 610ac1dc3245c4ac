"""CRC-32C and CRC-64/NVME, which the standard library lacks, and the joining of CRCs.

All are reflected CRCs whose register begins and ends inverted. numpy makes them fast: the
data is cut into short lanes that go through a table side by side, two bytes a step, and the lanes
are then joined in pairs. Joining rests on one fact: a zero byte after the data changes the register
linearly, so there is a table for any number of them.
"""

from functools import lru_cache

import numpy as np

# Bit-reversed. Sources: RFC 3720, appendix B.4, and the NVM Express specification.
CRC32_POLYNOMIAL = 0xEDB88320
CRC32C_POLYNOMIAL = 0x82F63B78
CRC64NVME_POLYNOMIAL = 0x9A6C9329AC4BC9B5

LANE_BYTES = 64
# Below this, a plain loop is as fast.
LANES_FROM_BYTES = 2048


class Crc:
    """A CRC, in hashlib's manner."""

    def __init__(self, bits: int, polynomial: int) -> None:
        """polynomial: bit-reversed."""
        self._bits = bits
        self._polynomial = polynomial
        self._inverted = (1 << bits) - 1
        self._register = self._inverted

    def update(self, data: bytes) -> None:
        """Take in some more bytes."""
        done = 0
        if len(data) >= LANES_FROM_BYTES:
            done = len(data) - len(data) % LANE_BYTES
            lanes = np.frombuffer(data, "<u2", done // 2).reshape(-1, LANE_BYTES // 2)
            shifted = shift(self._register, done, self._bits, self._polynomial)
            self._register = shifted ^ self._join(self._run(lanes))
        table = byte_table(self._bits, self._polynomial)
        for byte in data[done:]:
            self._register = (self._register >> 8) ^ table[(self._register ^ byte) & 0xFF]

    def digest(self) -> bytes:
        """Return the CRC of all the bytes, big-endian."""
        return (self._register ^ self._inverted).to_bytes(self._bits // 8, "big")

    def _run(self, lanes: np.ndarray) -> np.ndarray:
        table = pair_table(self._bits, self._polynomial)
        registers = np.zeros(len(lanes), table.dtype)
        for column in np.ascontiguousarray(lanes.T):
            changed = np.take(table, registers.astype(np.uint16) ^ column, mode="clip")
            registers = (registers >> 16) ^ changed
        return registers

    def _join(self, registers: np.ndarray) -> int:
        # Lanes of zeros in front leave no trace, and make the number of lanes a power of two.
        doublings = (len(registers) - 1).bit_length()
        registers = np.pad(registers, ((1 << doublings) - len(registers), 0))
        exponent = LANE_BYTES.bit_length() - 1
        while len(registers) > 1:
            tables = zero_tables(exponent, self._bits, self._polynomial)
            joined = registers[1::2].copy()
            for index, table in enumerate(tables):
                joined ^= np.take(table, (registers[::2] >> (8 * index)).astype(np.uint8))
            registers = joined
            exponent += 1
        return int(registers[0])


def combine(first: bytes, second: bytes, second_size_bytes: int, polynomial: int) -> bytes:
    """Return the CRC of two pieces of data, of their CRCs and the second's length in bytes."""
    bits = 8 * len(first)
    shifted = shift(int.from_bytes(first, "big"), second_size_bytes, bits, polynomial)
    return (shifted ^ int.from_bytes(second, "big")).to_bytes(bits // 8, "big")


def shift(register: int, zero_bytes: int, bits: int, polynomial: int) -> int:
    """Return the register after that many more zero bytes."""
    for exponent in range(zero_bytes.bit_length()):
        if zero_bytes >> exponent & 1:
            images = zero_images(exponent, bits, polynomial)
            register = _apply(images, register)
    return register


@lru_cache(maxsize=8)
def pair_table(bits: int, polynomial: int) -> np.ndarray:
    """Return what each value of the register's two low bytes becomes."""
    values = np.arange(1 << 16, dtype=np.uint64)
    for _ in range(16):
        values = (values >> 1) ^ (values & 1) * np.uint64(polynomial)
    return values.astype(np.uint64 if bits == 64 else np.uint32)


@lru_cache(maxsize=8)
def byte_table(bits: int, polynomial: int) -> list[int]:
    """Return what each value of the register's low byte becomes."""
    images = zero_images(0, bits, polynomial)
    return [_apply(images, value) for value in range(256)]


@lru_cache(maxsize=256)
def zero_images(exponent: int, bits: int, polynomial: int) -> tuple[int, ...]:
    """Return what each single bit of the register becomes after 2^exponent zero bytes."""
    if exponent:
        images = zero_images(exponent - 1, bits, polynomial)
        return tuple(_apply(images, image) for image in images)
    return tuple(_after_a_zero_byte(1 << bit, polynomial) for bit in range(bits))


@lru_cache(maxsize=256)
def zero_tables(exponent: int, bits: int, polynomial: int) -> np.ndarray:
    """Return, for each byte of the register, what its values become after 2^exponent zeros."""
    images = zero_images(exponent, bits, polynomial)
    return np.array(
        [
            [_apply(images, value << (8 * index)) for value in range(256)]
            for index in range(bits // 8)
        ],
        np.uint64 if bits == 64 else np.uint32,
    )


def _after_a_zero_byte(register: int, polynomial: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ (polynomial if register & 1 else 0)
    return register


def _apply(images: tuple[int, ...], register: int) -> int:
    result = 0
    while register:
        low = register & -register
        result ^= images[low.bit_length() - 1]
        register ^= low
    return result
