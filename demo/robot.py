#!/usr/bin/env python3
"""The demo robot: a ROS 2 node that drives a figure of eight through a room.

It publishes what a small mobile robot publishes: a camera (raw and compressed), a lidar, tf and
latched static transforms, odometry and the path so far, battery and diagnostics. It offers two
services and two parameters. Nothing of it knows about remote access.
"""

from __future__ import annotations

import array
import math
import time
from dataclasses import dataclass

import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped, Quaternion, TransformStamped
from nav_msgs.msg import Odometry, Path
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import BatteryState, CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from tf2_msgs.msg import TFMessage

from robot_sensors import HEIGHT, WIDTH, cloud, picture, png

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PATH_LENGTH = 600


@dataclass(frozen=True)
class Pose:
    """Where the robot is: metres and radians in the frame `odom`."""

    x: float
    y: float
    heading: float


def figure_of_eight(phase: float, size: float) -> Pose:
    """The pose at a phase of 0 to 2π."""
    x, y = size * math.sin(phase), size * math.sin(phase) * math.cos(phase)
    return Pose(x, y, math.atan2(math.cos(2 * phase), math.cos(phase)))


class DemoRobot(Node):
    """The node with its timers; every timer is one sensor."""

    def __init__(self) -> None:
        super().__init__("demo_robot")
        speed = FloatingPointRange(from_value=0.0, to_value=3.0)
        self.declare_parameter(
            "speed", 0.4, ParameterDescriptor(description="radians of the way per second", floating_point_range=[speed])
        )
        size = FloatingPointRange(from_value=0.5, to_value=4.0)
        self.declare_parameter(
            "size", 3.0, ParameterDescriptor(description="half width of the way in metres", floating_point_range=[size])
        )
        self._phase = 0.0
        self._pose = figure_of_eight(0.0, 3.0)
        self._last_step = time.monotonic()
        self._lights = False
        self._path: list[PoseStamped] = []

        self._image = self.create_publisher(Image, "camera/image", qos_profile_sensor_data)
        self._compressed = self.create_publisher(CompressedImage, "camera/image/compressed", qos_profile_sensor_data)
        self._points = self.create_publisher(PointCloud2, "lidar/points", qos_profile_sensor_data)
        self._tf = self.create_publisher(TFMessage, "/tf", 100)
        self._tf_static = self.create_publisher(TFMessage, "/tf_static", LATCHED)
        self._odometry = self.create_publisher(Odometry, "odom", 10)
        self._path_publisher = self.create_publisher(Path, "path", LATCHED)
        self._battery = self.create_publisher(BatteryState, "battery", LATCHED)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_service(SetBool, "lights", self._set_lights)
        self.create_service(Trigger, "restart_path", self._restart_path)

        self._publish_static_transforms()
        self.create_timer(0.05, self._drive)
        self.create_timer(0.1, self._publish_camera)
        self.create_timer(0.1, self._publish_lidar)
        self.create_timer(1.0, self._publish_state)

    def _drive(self) -> None:
        now = time.monotonic()
        self._phase += self.get_parameter("speed").value * (now - self._last_step)
        self._last_step = now
        before = self._pose
        self._pose = figure_of_eight(self._phase, self.get_parameter("size").value)
        transform = TransformStamped(header=self._header("odom"), child_frame_id="base_link")
        transform.transform.translation.x = self._pose.x
        transform.transform.translation.y = self._pose.y
        transform.transform.rotation = _turned(self._pose.heading)
        self._tf.publish(TFMessage(transforms=[transform]))
        odometry = Odometry(header=transform.header, child_frame_id="base_link")
        odometry.pose.pose = self._pose_stamped().pose
        odometry.twist.twist.linear.x = 20.0 * math.dist((before.x, before.y), (self._pose.x, self._pose.y))
        self._odometry.publish(odometry)

    def _publish_camera(self) -> None:
        pixels = picture(time.monotonic())
        if self._lights:
            pixels = pixels // 2 + 127
        image = Image(header=self._header("camera"), height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH)
        # rclpy checks a list value by value; an array of the right type goes as it is.
        image.data = array.array("B", pixels.tobytes())
        self._image.publish(image)
        compressed = CompressedImage(header=image.header, format="png", data=array.array("B", png(pixels)))
        self._compressed.publish(compressed)

    def _publish_lidar(self) -> None:
        points = cloud(self._pose.heading, self._pose.x, self._pose.y)
        names = ("x", "y", "z", "intensity")
        message = PointCloud2(header=self._header("lidar"), height=1, width=len(points), point_step=16)
        message.fields = [PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, n in enumerate(names)]
        message.row_step = message.point_step * message.width
        message.data = array.array("B", points.tobytes())
        message.is_dense = True
        self._points.publish(message)

    def _publish_state(self) -> None:
        self._path = [*self._path[-PATH_LENGTH + 1 :], self._pose_stamped()]
        self._path_publisher.publish(Path(header=self._header("odom"), poses=self._path))
        charge = 0.6 + 0.4 * math.cos(self._phase / 20)
        battery = BatteryState(header=self._header("base_link"), voltage=22.0 + 4 * charge, percentage=charge, present=True)
        self._battery.publish(battery)
        status = DiagnosticStatus(level=DiagnosticStatus.OK, name="demo_robot: drive", message="driving", hardware_id="demo")
        status.values = [
            KeyValue(key="lights", value=str(self._lights)),
            KeyValue(key="rounds", value=f"{self._phase / math.tau:.2f}"),
        ]
        self._diagnostics.publish(DiagnosticArray(header=self._header(""), status=[status]))

    def _publish_static_transforms(self) -> None:
        transforms = []
        for name, x, z in (("camera", 0.2, 0.3), ("lidar", 0.0, 0.5)):
            transform = TransformStamped(header=self._header("base_link"), child_frame_id=name)
            transform.transform.translation.x = x
            transform.transform.translation.z = z
            transforms.append(transform)
        self._tf_static.publish(TFMessage(transforms=transforms))

    def _set_lights(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._lights = request.data
        response.success = True
        response.message = "lights on" if request.data else "lights off"
        self.get_logger().info(response.message)
        return response

    def _restart_path(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._path = []
        response.success = True
        return response

    def _pose_stamped(self) -> PoseStamped:
        stamped = PoseStamped(header=self._header("odom"))
        stamped.pose.position.x = self._pose.x
        stamped.pose.position.y = self._pose.y
        stamped.pose.orientation = _turned(self._pose.heading)
        return stamped

    def _header(self, frame: str) -> Header:
        stamp: Time = self.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id=frame)


def _turned(heading: float) -> Quaternion:
    return Quaternion(z=math.sin(heading / 2), w=math.cos(heading / 2))


def main() -> None:
    """Runs the robot until SIGINT or SIGTERM."""
    rclpy.init()
    try:
        rclpy.spin(DemoRobot())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
