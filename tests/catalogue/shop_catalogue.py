"""A shop's additions to the catalogue: visits to its premises, and a feature of complaints."""

from stream.catalogue.declaring import Channel, DeclaredType, EventName, Extension, Field
from stream.catalogue.summing import count
from stream.catalogue.windows import DAY_7, DAY_28

EXTENSION = Extension(
    types=(
        DeclaredType(
            "visit",
            "Visits of customers to the shop's premises.",
            {"name": "entered", "place": "Main Street"},
            reference="place",
            in_kernel=True,
            fields=(Field("place", str, description="which of the shops"), Field("minutes", float)),
        ),
    ),
    names=(
        EventName("visit", "entered", "visit_entered", ("visit",), csv=("came",), is_interest=True),
        EventName("visit", "left", "visit_left"),
    ),
    channels=(Channel("complaint", 48), Channel("visit", 49)),
    counts={"email_complained": ("complaint",)},
    features=(
        count(
            "complaints",
            48,
            "complaint",
            DAY_28,
            "complaints about e-mails",
            ("No complaint", "Complaints", "complaint", "complaints"),
            leaving=1,
        ),
        count("visits", 49, "visit", DAY_7, "visits", ("No visit", "Visits", "visit", "visits")),
        count("visits", 50, "visit", DAY_28, "visits", ("No visit", "Visits", "visit", "visits")),
    ),
)
