"""What the demo robot looks like: its URDF. No ROS."""

from __future__ import annotations

from robot_sensors import LIDAR_HEIGHT
from robot_world import ROBOT_RADIUS

WHEEL_RADIUS = 0.1
WHEEL_WIDTH = 0.06
JOINTS = ("wheel_left_joint", "wheel_right_joint")
_BODY_HEIGHT = 0.22


def _link(name: str, shape: str, colour: str, origin: str = '<origin xyz="0 0 0"/>') -> str:
    material = f'<material name="{name}"><color rgba="{colour} 1"/></material>'
    return f'<link name="{name}"><visual>{origin}<geometry>{shape}</geometry>{material}</visual></link>'


def _joint(name: str, kind: str, child: str, place: str) -> str:
    origin, axis = f'<origin xyz="{place}"/>', '<axis xyz="0 1 0"/>' if kind == "continuous" else ""
    return f'<joint name="{name}" type="{kind}"><parent link="base_link"/><child link="{child}"/>{origin}{axis}</joint>'


def urdf() -> str:
    """The description as robot_state_publisher would publish it."""
    wheel = f'<cylinder radius="{WHEEL_RADIUS}" length="{WHEEL_WIDTH}"/>'
    turned = '<origin rpy="1.5708 0 0"/>'
    body = f'<cylinder radius="{ROBOT_RADIUS - WHEEL_WIDTH}" length="{_BODY_HEIGHT}"/>'
    mast = LIDAR_HEIGHT - WHEEL_RADIUS - _BODY_HEIGHT
    parts = [
        _link("base_link", body, "0.2 0.45 0.8", f'<origin xyz="0 0 {WHEEL_RADIUS + _BODY_HEIGHT / 2}"/>'),
        _link("wheel_left", wheel, "0.12 0.12 0.14", turned),
        _link("wheel_right", wheel, "0.12 0.12 0.14", turned),
        _link("mast", f'<cylinder radius="0.03" length="{mast:.3f}"/>', "0.7 0.7 0.75"),
        _link("lidar", '<cylinder radius="0.07" length="0.08"/>', "0.1 0.1 0.12"),
        _link("camera", '<box size="0.05 0.14 0.05"/>', "0.9 0.55 0.15"),
        _joint("wheel_left_joint", "continuous", "wheel_left", f"0 {ROBOT_RADIUS} {WHEEL_RADIUS}"),
        _joint("wheel_right_joint", "continuous", "wheel_right", f"0 {-ROBOT_RADIUS} {WHEEL_RADIUS}"),
        _joint("mast_joint", "fixed", "mast", f"0 0 {LIDAR_HEIGHT - mast / 2:.3f}"),
        _joint("lidar_joint", "fixed", "lidar", f"0 0 {LIDAR_HEIGHT}"),
        _joint("camera_joint", "fixed", "camera", "0.2 0 0.5"),
    ]
    return f'<?xml version="1.0"?><robot name="demo_robot">{"".join(parts)}</robot>'
