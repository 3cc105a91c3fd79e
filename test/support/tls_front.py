"""TLS in front of a server, as a reverse proxy does it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

from viewer_client import Loop


class TlsFront:
    """Listens on a port of the loopback, and passes on to another one what comes."""

    def __init__(self, loop: Loop, certificate: Path, key: Path, port: int) -> None:
        self._loop = loop
        self._behind = port
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = loop.run(self._listen(context))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listens no more."""
        self._loop.run(self._end())

    async def _listen(self, context: ssl.SSLContext) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)

    async def _end(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(_pass_on(reader, behind_writer), _pass_on(behind_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
