"""Our own client with the methods and events of the protocol's reference client.

So a test runs with both. The reference client does not know `foxglove.sdk.v1.1`; this one does.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from foxglove_client import Asset, Data, FoxgloveClient, Message, ServiceResponse, Time
from reference_client import binary
from wire import Json

T = TypeVar("T")


class SameClient:
    """A connection; used as a `ReferenceClient` is."""

    def __init__(self, client: FoxgloveClient) -> None:
        self._client = client
        self._subscriptions = itertools.count()
        self._channels = itertools.count(1)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def values(self, event: str) -> list[Any]:
        """The values of all events of a name."""
        with_list = {"advertiseServices": "services", "unadvertiseServices": "serviceIds", "unadvertise": "channelIds"}
        if event == "advertise":
            return [list(self._client.channels().values())]
        if event in with_list:
            return [message[with_list[event]] for message in self._client.texts(event)]
        kinds: dict[str, type[Message]] = {
            "message": Data,
            "time": Time,
            "serviceCallResponse": ServiceResponse,
            "fetchAssetResponse": Asset,
        }
        if event in kinds:
            return [_value(message) for message in self._client.of(kinds[event])]
        return list(self._client.texts(event))

    def wait_for(self, condition: Callable[[], T | None], what: str) -> T:
        """Waits until a condition gives something true, and returns that."""
        return self._client.wait_for(condition, what)

    def channel(self, topic: str) -> Json:
        """Waits until a topic is advertised; returns its channel."""
        return self._client.wait_channel(topic)

    def call(self, method: str, *arguments: Any) -> Any:
        """What the reference client's method of this name does."""
        return getattr(self, f"_{method}")(*arguments)

    def _subscribe(self, channel: int) -> int:
        subscription = next(self._subscriptions)
        self._client.send({"op": "subscribe", "subscriptions": [{"id": subscription, "channelId": channel}]})
        return subscription

    def _unsubscribe(self, subscription: int) -> None:
        self._client.unsubscribe(subscription)

    def _advertise(self, channel: Json) -> int:
        number = next(self._channels)
        self._client.send({"op": "advertise", "channels": [{"id": number, **channel}]})
        return number

    def _unadvertise(self, channel: int) -> None:
        self._client.send({"op": "unadvertise", "channelIds": [channel]})

    def _sendMessage(self, channel: int, data: Json) -> None:  # noqa: N802 - the reference client's name
        self._client.publish(channel, base64.b64decode(data["base64"]))

    def _sendServiceCallRequest(self, request: Json) -> None:  # noqa: N802
        payload = base64.b64decode(request["data"]["base64"])
        self._client.call_service(request["serviceId"], request["callId"], payload, request["encoding"])

    def _getParameters(self, names: list[str], request: str) -> None:  # noqa: N802
        self._client.send({"op": "getParameters", "parameterNames": names, "id": request})

    def _setParameters(self, parameters: list[Json], request: str) -> None:  # noqa: N802
        self._client.send({"op": "setParameters", "parameters": parameters, "id": request})

    def _subscribeParameterUpdates(self, names: list[str]) -> None:  # noqa: N802
        self._client.send({"op": "subscribeParameterUpdates", "parameterNames": names})

    def _unsubscribeParameterUpdates(self, names: list[str]) -> None:  # noqa: N802
        self._client.send({"op": "unsubscribeParameterUpdates", "parameterNames": names})

    def _subscribeConnectionGraph(self) -> None:  # noqa: N802
        self._client.send({"op": "subscribeConnectionGraph"})

    def _unsubscribeConnectionGraph(self) -> None:  # noqa: N802
        self._client.send({"op": "unsubscribeConnectionGraph"})

    def _fetchAsset(self, uri: str, request: int) -> None:  # noqa: N802
        self._client.send({"op": "fetchAsset", "uri": uri, "requestId": request})


def _value(message: Message) -> Json:
    """A binary message as the reference client gives it."""
    if isinstance(message, Data):
        timestamp = str(message.log_time)
        return {"subscriptionId": message.subscription, "timestamp": timestamp, "data": binary(message.payload)}
    if isinstance(message, Time):
        return {"timestamp": str(message.nanoseconds)}
    if isinstance(message, ServiceResponse):
        ids = {"serviceId": message.service, "callId": message.call}
        return {**ids, "encoding": message.encoding, "data": binary(message.payload)}
    assert isinstance(message, Asset)
    if message.error is not None:
        return {"requestId": message.request, "status": 1, "error": message.error}
    return {"requestId": message.request, "status": 0, "data": binary(message.data)}
