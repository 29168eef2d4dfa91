"""What is drawn: convex shapes over moving points, among them those that make a person."""

from dataclasses import dataclass

from farview.data.mime import body
from farview.data.mime.body import Colour, Person, darker


@dataclass(frozen=True)
class Shape:
    """The hull of discs around points."""

    joints: tuple[int, ...]
    """Indices of the points."""
    radii: tuple[float, ...]
    """Of the discs, in body heights."""
    colour: Colour
    pattern: str = "plain"
    """`stripes` and `checks` need four joints: left and right of one end, left and right of the other."""
    trim: Colour = (0.0, 0.0, 0.0)
    """Colour of the pattern."""
    nearer: float = 0.0
    """Body heights that it counts as nearer to the camera when what hides what is decided."""

    def moved(self, count: int) -> "Shape":
        """The same over points that come `count` later."""
        joints = tuple(joint + count for joint in self.joints)
        return Shape(joints, self.radii, self.colour, self.pattern, self.trim, self.nearer)


def figure(person: Person) -> list[Shape]:
    """The shapes that make a person, over the joints of `body.skeleton`."""
    b, r, s = person.build, person.head, body.SIDE
    hips, shoulders = (body.HIP, body.HIP + s), (body.SHOULDER, body.SHOULDER + s)
    shapes = [
        Shape((body.NECK, body.HEAD), (0.028 * b, 0.028 * b), darker(person.skin, 0.85)),
        Shape((body.HEAD,), (1.05 * r,), person.hair),
        Shape((body.FACE,), (0.85 * r,), person.skin, nearer=0.01),
        Shape(
            (*shoulders, *hips), (0.036 * b,) * 2 + (0.05 * b,) * 2, person.top, person.pattern, person.trim
        ),
    ]
    if person.long_hair:
        shapes.append(Shape((body.HEAD, body.NAPE), (r, 0.6 * r), person.hair))
    if person.lower == "skirt":
        knees = (body.KNEE, body.KNEE + s)
        shapes.append(Shape((*hips, *knees), (0.052 * b,) * 2 + (0.05 * b,) * 2, person.bottom, nearer=0.02))
    sleeve = person.top if person.long_sleeves else person.skin
    shin = person.bottom if person.lower == "trousers" else person.skin
    for i in (0, s):
        shapes += [
            Shape((body.HIP + i, body.KNEE + i), (0.05 * b, 0.034 * b), person.bottom),
            Shape((body.KNEE + i, body.ANKLE + i), (0.033 * b, 0.02 * b), shin),
            Shape((body.ANKLE + i, body.TOE + i), (0.024, 0.018), person.shoes),
            Shape((body.SHOULDER + i, body.ELBOW + i), (0.03 * b, 0.022 * b), darker(person.top, 0.92)),
            Shape((body.ELBOW + i, body.HAND + i), (0.021 * b, 0.015 * b), darker(sleeve, 0.92), nearer=0.01),
            Shape((body.HAND + i,), (0.023,), person.skin, nearer=0.02),
        ]
    return shapes
