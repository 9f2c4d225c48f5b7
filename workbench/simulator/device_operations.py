"""Devices by their ids: every operation as a method, for whatever carries them."""

from __future__ import annotations

from typing import Any

from workbench.simulator import connects, devices, keys
from workbench.simulator.effects import Refusal
from workbench.simulator.endpoint_operations import EndpointOperations
from workbench.simulator.records import Device


class DeviceOperations(EndpointOperations):
    """What a device may do. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def device(self, device_id: str) -> Device:
        """A connected device by id. Raises Refusal 404."""
        if device_id not in self.devices:
            raise Refusal(404, f"device {device_id} is not connected", "device.gone")
        return self.devices[device_id]

    def connect_device(
        self,
        now: float,
        token: str,
        name: str | None = None,
        *,
        publishes: bool = True,
        auto_accept: bool = True,
        of: devices.Kind | None = None,
    ) -> Device:
        """A device connects with the token of a participant or an endpoint; of the one kind only, where `of` says so."""
        self.tick(now)
        return devices.connect(self, token, name, publishes=publishes, auto_accept=auto_accept, of=of)

    def prefer_accepting(self, device_id: str, by_itself: bool) -> None:
        """An endpoint's device says whether it takes streams by itself."""
        self.device(device_id).auto_accept = by_itself

    def note(self, now: float, kind: str, rule: str, **data: Any) -> None:
        """Something that only a shell can see is told like what the engine did."""
        self.tick(now)
        self.happen(kind, rule, **data)

    def leave_device(self, now: float, device_id: str) -> None:
        """A device leaves."""
        self.tick(now)
        devices.leave(self, self.device(device_id))

    def lose_device(self, now: float, device_id: str) -> None:
        """The connection to a device is lost."""
        self.tick(now)
        devices.lose(self, self.device(device_id))

    def publish_audio(self, now: float, device_id: str, audio: bool, alias: str | None = None) -> None:
        """A device begins or stops sending audio, under an alias if it has chosen one."""
        self.tick(now)
        devices.publish(self, self.device(device_id), audio, alias)

    def device_keys(self, now: float, device_id: str, digits: str) -> None:
        """Press keys on a device; who hears it hears them."""
        self.tick(now)
        device = self.device(device_id)
        if not keys.valid(digits):
            raise Refusal(400, "digits must be some of 0-9 * # A-D", "local.field")
        keys.press_on_device(self, device, digits)

    def request_outbound(self, now: float, device_id: str, to: str, to_type: str = "PHONE_NUMBER") -> bool:
        """An endpoint's device asks to be connected with somebody; whether the request was accepted."""
        self.tick(now)
        return devices.request_outbound(self, self.device(device_id), to, to_type)

    def accept_stream(self, now: float, device_id: str) -> None:
        """An endpoint's device takes the call it is offered."""
        self.tick(now)
        connects.accept(self, devices.endpoint_of(self, self.device(device_id)))

    def decline_stream(self, now: float, device_id: str) -> None:
        """An endpoint's device declines the call it is offered."""
        self.tick(now)
        connects.decline(self, devices.endpoint_of(self, self.device(device_id)))

    def hang_up_device(self, now: float, device_id: str) -> None:
        """An endpoint's device ends its connection."""
        self.tick(now)
        connects.hang_up(self, devices.endpoint_of(self, self.device(device_id)))
