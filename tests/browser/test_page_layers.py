"""Noise layer by layer, and what layers compute, as a person looks at them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.studio import Studio

LOUD_LAYERS = (7, 8, 9, 10)  # whose noise shows in the demo model
LOUD = 9


def test_noise_is_drawn_frozen_and_put_back_layer_by_layer(studio: Studio) -> None:
    first = studio.picture()
    studio.part("noise-layers").locator("summary").click()
    studio.part(f"noise-resample-{LOUD}").click()
    studio.settle()
    one = studio.picture()
    assert not one.is_identical_to(first)
    for layer in LOUD_LAYERS:
        studio.part(f"noise-freeze-{layer}").click()
    studio.part("noise-resample").click()
    studio.settle()
    assert studio.picture().is_identical_to(one), "frozen layers keep their noise"
    studio.part(f"noise-freeze-{LOUD}").click()
    studio.part("noise-resample").click()
    studio.settle()
    assert not studio.picture().is_identical_to(one)
    studio.type(f"number-noise-strength-{LOUD}", 2)
    studio.settle()
    loud = studio.picture()
    studio.reload()
    assert studio.picture().is_identical_to(loud), "it is part of the document"
    studio.part("noise-reset").click()
    studio.settle()
    assert studio.picture().is_identical_to(first)


def test_where_noise_acts_is_shown_when_asked(studio: Studio) -> None:
    studio.part("noise-layers").locator("summary").click()
    expect(studio.part("noise-effect")).to_have_count(0)
    studio.part(f"noise-see-{LOUD}").click()
    expect(studio.part("noise-effect")).to_be_visible()
    assert studio.part("noise-effect").evaluate("(img) => img.naturalWidth") == 128
    studio.part(f"noise-see-{LOUD}").click()
    expect(studio.part("noise-effect")).to_have_count(0)


def test_layers_are_looked_into_by_pages_and_one_channel_large(studio: Studio) -> None:
    def loaded(change: str, value: str) -> str:
        with studio.page.expect_response(lambda answer: answer.url.endswith("/activations") and answer.ok):
            studio.part(f"activations-{change}").select_option(value)
        expect(studio.part("activations")).to_have_attribute("data-busy", "0")
        return studio.part("activations").get_attribute("src") or ""

    studio.part("activations-open").click()
    expect(studio.part("activations-page")).to_have_text("1–16 of 256")
    seen = {
        loaded("layer", "10"),
        loaded("scope", "layer"),
        loaded("spread", "3"),
        loaded("shown", "spectra"),
    }
    assert len(seen) == 4
    expect(studio.part("activations-page")).to_have_text("1–16 of 32")
    studio.part("activations-next").click()
    expect(studio.part("activations-page")).to_have_text("17–32 of 32")
    expect(studio.part("activations-next")).to_be_disabled()
    studio.part("activation-3").click()
    expect(studio.part("activations-page")).to_have_text("Channel 19, one of 32")
    studio.part("activations-back").click()
    expect(studio.part("activations-page")).to_have_text("17–32 of 32")
    with studio.page.expect_response(lambda answer: answer.url.endswith("/activations") and answer.ok):
        studio.part("dice").click()  # it is always of the face on the page
