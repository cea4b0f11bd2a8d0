"""Where a view's camera stands, as Taskonomy's ``points`` say, and what is asked of single images about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.spatial.transform import Rotation

from taskzoo.data.dense.files import Raw
from taskzoo.errors import InputError

Array = npt.NDArray[np.float64]
Triple = tuple[float, float, float]
Range = tuple[float, float]

NUMBERS = 9
# What Taskonomy turns the world by before it names its axes: x becomes y, y becomes -x.
FLIP = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
QUARTERS = [Rotation.from_euler("z", 90 * number, degrees=True).as_matrix() for number in range(4)]
AHEAD = np.array([0.0, 0.0, -1.0])  # The camera's own axes: x right, y up.


class Box(BaseModel):
    """The walls of a room.

    Attributes:
        x: From and to, in metres.
        y: As x.
        z: As x.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    x: Range
    y: Range
    z: Range


class Pose(BaseModel):
    """What is read of a view's file; None where it does not say.

    Attributes:
        camera_location: In metres.
        camera_rotation_final: Angles about the world's x, y and z, in this order, in radians, that turn the camera's
            axes into the world's.
        bounding_box_ranges: Of the room.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    camera_location: Triple | None = None
    camera_rotation_final: Triple | None = None
    bounding_box_ranges: Box | None = None


@dataclass(frozen=True)
class PoseFile:
    """A JSON file about a view's camera, and what is asked of it.

    Attributes:
        numbers: Gives nine of them; None where the file does not say enough.
        suffix: Of the file's name.
    """

    numbers: Callable[[Pose], Array | None]
    suffix: ClassVar[str] = ".json"

    def read(self, content: bytes, where: str) -> Raw:
        """Decode a file.

        Args:
            content: The file's bytes.
            where: The file, for messages.

        Returns:
            The numbers, float64 [1, 1, 9], to a millionth, so that machines agree on them; NaN where the file does
            not say enough.

        Raises:
            InputError: If it is no JSON file of a pose.
        """
        try:
            found = self.numbers(Pose.model_validate_json(content))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "its content"
            raise InputError(
                f"{where} is not the pose of a camera: {field}: {first['msg']}; expected JSON with camera_location, "
                "camera_rotation_final (three numbers each) and bounding_box_ranges; copy it again, or remove it, "
                "since a view may lack this file."
            ) from error
        if found is None:
            return np.full((1, 1, NUMBERS), np.nan)
        return found.round(6).reshape(1, 1, NUMBERS) + 0.0  # No -0.0, whose bytes are others.


def vanishing_points(pose: Pose) -> Array | None:
    """Return where lines along the world's axes vanish, as three unit vectors in the camera's axes.

    A room has no front: of the four ways to name its horizontal axes the one is taken whose x and y lie nearest to what
    the camera looks at, by the sum of both angles. So do Taskonomy's own targets (``vanishing_point_well_defined``).

    Args:
        pose: Of the view.

    Returns:
        Directions of x, y and z, one after the other, [9].
    """
    if pose.camera_rotation_final is None:
        return None
    camera = _camera(pose.camera_rotation_final)
    named = _named(camera, (0, 1))
    return (named @ camera).ravel()


def room_layout(pose: Pose) -> Array | None:
    """Return the room's box as the camera sees it.

    Its x axis is the horizontal one nearest to what the camera looks at.

    Args:
        pose: Of the view.

    Returns:
        Its centre in the camera's axes in metres, the camera's angles about the box's x, y and z, and the box's sizes
        along them, [9].
    """
    box = pose.bounding_box_ranges
    if pose.camera_location is None or pose.camera_rotation_final is None or box is None:
        return None
    camera = _camera(pose.camera_rotation_final)
    named = _named(camera, (0,))
    # The files' y of a box is minus the y that the turned world has.
    walls = named @ np.array([box.x, (-box.y[1], -box.y[0]), box.z])
    turned = named @ camera
    centre = turned.T @ (walls.mean(1) - named @ FLIP @ np.array(pose.camera_location))
    angles = Rotation.from_matrix(turned).as_euler("xyz")
    return np.concatenate([centre, angles, np.abs(walls[:, 1] - walls[:, 0])])


def _camera(rotation: Triple) -> Array:
    """Return the camera's axes in the turned world, as columns."""
    found: Array = FLIP @ Rotation.from_euler("xyz", rotation).as_matrix()
    return found


def _named(camera: Array, axes: tuple[int, ...]) -> Array:
    """Return the quarter turn of the world, [3, 3], after which some of its axes lie nearest to what a camera sees."""
    return min((quarter.T for quarter in QUARTERS), key=lambda turn: _away(turn @ camera, axes))


def _away(camera: Array, axes: tuple[int, ...]) -> float:
    """Return the sum of the angles between some of the world's axes and what a camera looks at."""
    return float(np.arccos(np.clip(camera[list(axes)] @ AHEAD, -1, 1)).sum())
