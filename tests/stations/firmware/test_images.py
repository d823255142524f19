"""Images: what is taken in, how it is kept, and how it goes."""

from datetime import timedelta

import pytest

from stations.exceptions import Refused
from stations.firmware import images, updates
from stations.models import FirmwareImage
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    return make.station(vendor="Vendor", model="AC-22", firmware="1.0.0", ocpp_version="2.0.1")


@pytest.fixture
def image(station):
    return make.firmware_image(operator=station.site.operator, model_pattern="AC*")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://example.com/fw.bin"}, "Only https"),
        ({"url": "ftp://example.com/fw.bin"}, "Only https"),
        ({"url": "https://me:secret@example.com/fw.bin"}, "password"),
        ({"url": "https://[x/fw.bin"}, "not an address"),
        ({"content": b""}, "empty"),
        ({"signature": "AAAA"}, "belong together"),
        ({"signature": "?", "signing_certificate": "PEM"}, "not Base64"),
        ({"signature": "AAAA", "signing_certificate": "PEM"}, "not PEM"),
        ({"version": " "}, "which version"),
    ],
)
def test_images_that_are_none(fields, words):
    with pytest.raises(Refused, match=words):
        make.firmware_image(**fields)
    assert not FirmwareImage.objects.exists()


def test_an_image_is_measured_and_kept_out_of_sight(settings):
    image = make.firmware_image(content=b"abc", name="../../v 2.bin")
    assert image.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert image.md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert (image.size, image.name) == (3, "v_2.bin")
    path = image.file.storage.path(image.file.name)
    assert not path.startswith(str(settings.MEDIA_ROOT))
    settings.FIRMWARE_MAX_MB = 0
    with pytest.raises(Refused, match="larger"):
        make.firmware_image()


def test_an_unused_image_goes_with_its_file_and_a_used_one_stays(
    station, image, django_capture_on_commit_callbacks
):
    unused = make.firmware_image(operator=station.site.operator)
    updates.start(station=station, image=image, keep_for=timedelta(hours=1))
    storage, name = unused.file.storage, unused.file.name
    with django_capture_on_commit_callbacks(execute=True):
        images.retire(image=unused)
        images.retire(image=image)
    assert not storage.exists(name) and not FirmwareImage.objects.filter(pk=unused.pk).exists()
    image.refresh_from_db()
    assert image.is_retired and storage.exists(image.file.name)
