"""A scan finds the microphones that are near, by the service that they advertise, and says that anybody can listen."""

from hardware.ble_scan import near_microphones
from hardware.microphones import MicrophoneInfo
from support.bleak_over_bumble import radio_over
from support.virtual_air import Air, advertise
from support.virtual_atvv import VirtualAtvv
from support.virtual_omi import VirtualOmi


def test_a_scan_names_each_kind_and_that_its_link_is_open(air: Air) -> None:
    """An Omi, a remote and something else are near: two rows, addresses as they are opened."""
    omi = VirtualOmi(air, codec=21)
    remote = VirtualAtvv(air, capabilities=b"\x0b")
    lamp = air.run(air.add("C0:FF:FF:FF:FF:FF", name="lamp"))
    air.run(advertise(lamp, name="Lamp", service="12345678-1234-1234-1234-123456789ABC"))
    scans = [list(near_microphones(radio=radio_over(air), scan_s=1.0))]
    # A busy machine may not have advertised within a second.
    while len(scans[-1]) < 2 and len(scans) < 30:
        scans.append(list(near_microphones(radio=radio_over(air), scan_s=1.0)))
    assert sorted(scans[-1], key=lambda one: one.address) == [
        MicrophoneInfo(address=f"atvv:{remote.address}", name="Remote", kind="atvv", channels=1, encrypted=False),
        MicrophoneInfo(address=f"omi:{omi.address}", name="Omi", kind="omi", channels=1, encrypted=False),
    ]
