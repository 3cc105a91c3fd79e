#!/usr/bin/env python3
"""The demo robot: a ROS 2 node that drives a figure of eight through a room, or as /cmd_vel says.

It publishes what a small mobile robot publishes: a camera (raw and JPEG), a lidar, a scan, a latched
map, tf and latched static transforms, odometry and the path so far, its model and joints, battery and
diagnostics. It offers
two services and two parameters. Nothing of it knows about remote access.
"""

from __future__ import annotations

import array
import math
import time
from collections.abc import Callable

import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped, Quaternion, TransformStamped, Twist
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import BatteryState, CompressedImage, Image, JointState, LaserScan, PointCloud2, PointField
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger
from tf2_msgs.msg import TFMessage

from robot_drive import Drive
from robot_model import JOINTS, WHEEL_RADIUS, urdf
from robot_sensors import LIDAR_HEIGHT, SCAN_RAYS, cloud, jpeg, picture, scan
from robot_world import ROBOT_RADIUS, ROOM_HALF, occupancy

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PATH_LENGTH = 600
MAP_RESOLUTION = 0.1
MAP_MARGIN = 0.5
# The lidar turns so often per second.
LIDAR_TURNS = 0.5


class DemoRobot(Node):
    """The node with its timers; every timer is one sensor. What nobody listens to is not computed."""

    def __init__(self) -> None:
        super().__init__("demo_robot")
        self._declare("speed", 0.4, 3.0, "how fast the robot drives by itself, radians of the figure per second")
        self._declare("size", 3.0, 4.0, "half width of the figure of eight in metres")
        self._drive = Drive()
        self._last_step = time.monotonic()
        # When the robot was where it is: sensors see from there until the next step.
        self._posed: Time = self.get_clock().now().to_msg()
        self._driven = 0.0
        self._lights = False
        self._path: list[PoseStamped] = []

        self._image = self.create_publisher(Image, "camera/image", qos_profile_sensor_data)
        self._compressed = self.create_publisher(CompressedImage, "camera/image/compressed", qos_profile_sensor_data)
        self._points = self.create_publisher(PointCloud2, "lidar/points", qos_profile_sensor_data)
        self._scan = self.create_publisher(LaserScan, "scan", qos_profile_sensor_data)
        self._map = self.create_publisher(OccupancyGrid, "map", LATCHED)
        self._tf = self.create_publisher(TFMessage, "/tf", 100)
        self._tf_static = self.create_publisher(TFMessage, "/tf_static", LATCHED)
        self._odometry = self.create_publisher(Odometry, "odom", 10)
        self._path_publisher = self.create_publisher(Path, "path", LATCHED)
        self._battery = self.create_publisher(BatteryState, "battery", LATCHED)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._joints = self.create_publisher(JointState, "joint_states", 10)
        self._description = self.create_publisher(String, "robot_description", LATCHED)
        self._description.publish(String(data=urdf()))
        self.create_subscription(Twist, "cmd_vel", self._command, 10)
        self.create_service(SetBool, "lights", self._set_lights)
        self.create_service(Trigger, "restart_path", self._restart_path)

        self._publish_static_transforms()
        self._publish_map()
        self.create_timer(0.05, self._step)
        self.create_timer(0.1, self._publish_camera)
        self._while_watched(0.1, self._points, self._publish_lidar)
        self._while_watched(0.1, self._scan, self._publish_scan)
        self.create_timer(1.0, self._publish_state)

    def _declare(self, name: str, value: float, most: float, description: str) -> None:
        bounds = FloatingPointRange(from_value=0.0, to_value=most)
        self.declare_parameter(name, value, ParameterDescriptor(description=description, floating_point_range=[bounds]))

    def _while_watched(self, period: float, publisher: Publisher, publish: Callable[[], None]) -> None:
        self.create_timer(period, lambda: publisher.get_subscription_count() > 0 and publish())

    def _command(self, command: Twist) -> None:
        self._drive.command(time.monotonic(), command.linear.x, command.angular.z)

    def _step(self) -> None:
        now = time.monotonic()
        seconds, self._last_step = min(0.2, now - self._last_step), now
        self._drive.step(now, seconds, self.get_parameter("speed").value, self.get_parameter("size").value)
        self._driven += self._drive.speed * seconds
        pose = self._drive.pose
        base = self._transform("odom", "base_link", pose.x, pose.y, 0.0)
        base.transform.rotation = _turned(pose.heading)
        self._posed = base.header.stamp
        self._tf.publish(TFMessage(transforms=[base, self._wheel("left", 1), self._wheel("right", -1)]))
        turned = self._driven / WHEEL_RADIUS
        self._joints.publish(JointState(header=self._header(""), name=JOINTS, position=[turned, turned]))
        odometry = Odometry(header=base.header, child_frame_id="base_link")
        odometry.pose.pose = self._pose_stamped().pose
        odometry.twist.twist.linear.x = self._drive.speed
        odometry.twist.twist.angular.z = self._drive.turn
        self._odometry.publish(odometry)

    def _wheel(self, side: str, sign: int) -> TransformStamped:
        wheel = self._transform("base_link", f"wheel_{side}", 0.0, sign * ROBOT_RADIUS, WHEEL_RADIUS)
        turned = self._driven / WHEEL_RADIUS
        wheel.transform.rotation = Quaternion(y=math.sin(turned / 2), w=math.cos(turned / 2))
        return wheel

    def _publish_camera(self) -> None:
        raw, compressed = (each.get_subscription_count() > 0 for each in (self._image, self._compressed))
        if not raw and not compressed:
            return
        pixels = picture(self._drive.pose, self._lights, time.monotonic())
        header = Header(stamp=self._posed, frame_id="camera")
        if raw:
            small = pixels[::2, ::2]
            height, width, _ = small.shape
            image = Image(header=header, height=height, width=width, encoding="rgb8", step=3 * width)
            # rclpy checks a list value by value; an array of the right type goes as it is.
            image.data = array.array("B", small.tobytes())
            self._image.publish(image)
        if compressed:
            self._compressed.publish(CompressedImage(header=header, format="jpeg", data=array.array("B", jpeg(pixels))))

    def _publish_lidar(self) -> None:
        points = cloud(self._drive.pose, math.tau * LIDAR_TURNS * time.monotonic())
        names = ("x", "y", "z", "intensity")
        message = PointCloud2(header=Header(stamp=self._posed, frame_id="lidar"), height=1, width=len(points), point_step=16)
        message.fields = [PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, n in enumerate(names)]
        message.row_step = message.point_step * message.width
        message.data = array.array("B", points.tobytes())
        message.is_dense = True
        self._points.publish(message)

    def _publish_scan(self) -> None:
        message = LaserScan(header=Header(stamp=self._posed, frame_id="lidar"), angle_min=-math.pi, angle_max=math.pi)
        message.angle_increment = math.tau / SCAN_RAYS
        message.range_min, message.range_max = 0.1, 4 * ROOM_HALF
        message.ranges = array.array("f", scan(self._drive.pose).tobytes())
        self._scan.publish(message)

    def _publish_map(self) -> None:
        cells = occupancy(MAP_RESOLUTION, MAP_MARGIN)
        message = OccupancyGrid(header=self._header("map"), data=array.array("b", cells.tobytes()))
        message.info.resolution = MAP_RESOLUTION
        message.info.height, message.info.width = cells.shape
        message.info.origin.position.x = message.info.origin.position.y = -ROOM_HALF - MAP_MARGIN
        self._map.publish(message)

    def _publish_state(self) -> None:
        self._path = [*self._path[-PATH_LENGTH + 1 :], self._pose_stamped()]
        self._path_publisher.publish(Path(header=self._header("odom"), poses=self._path))
        charge = 0.6 + 0.4 * math.cos(self._drive.phase / 20)
        battery = BatteryState(header=self._header("base_link"), voltage=22.0 + 4 * charge, percentage=charge, present=True)
        self._battery.publish(battery)
        mode = self._drive.mode(time.monotonic())
        status = DiagnosticStatus(level=DiagnosticStatus.OK, name="demo_robot: drive", message=mode, hardware_id="demo")
        status.values = [
            KeyValue(key="lights", value=str(self._lights)),
            KeyValue(key="driven", value=f"{self._driven:.1f} m"),
        ]
        self._diagnostics.publish(DiagnosticArray(header=self._header(""), status=[status]))

    def _publish_static_transforms(self) -> None:
        transforms = [
            self._transform("map", "odom", 0.0, 0.0, 0.0),
            self._transform("base_link", "camera", 0.2, 0.0, 0.5),
            self._transform("base_link", "lidar", 0.0, 0.0, LIDAR_HEIGHT),
        ]
        self._tf_static.publish(TFMessage(transforms=transforms))

    def _transform(self, parent: str, child: str, x: float, y: float, z: float) -> TransformStamped:
        transform = TransformStamped(header=self._header(parent), child_frame_id=child)
        translation = transform.transform.translation
        translation.x, translation.y, translation.z = x, y, z
        return transform

    def _set_lights(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._lights = request.data
        response.success = True
        response.message = "lights on" if request.data else "lights off"
        self.get_logger().info(response.message)
        return response

    def _restart_path(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = f"forgot {len(self._path)} poses"
        self._path = []
        response.success = True
        return response

    def _pose_stamped(self) -> PoseStamped:
        pose = self._drive.pose
        stamped = PoseStamped(header=self._header("odom"))
        stamped.pose.position.x = pose.x
        stamped.pose.position.y = pose.y
        stamped.pose.orientation = _turned(pose.heading)
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
