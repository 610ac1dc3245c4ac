"""An endpoint as requests find it."""

import random
from collections.abc import Mapping
from typing import Any

from maze_helpers.local_cloud.engine.hosting.calls import Variant
from maze_helpers.local_cloud.engine.hosting.data_capture import EndpointCapture


class LiveEndpoint:
    """The variants that share an endpoint's requests at one time; an update makes another.

    async_inference: the AsyncInferenceConfig of an asynchronous endpoint, None of others.
    capture: what captures its invocations, None if nothing does.
    """

    def __init__(
        self,
        name: str,
        variants: Mapping[str, Variant],
        async_inference: Mapping[str, Any] | None = None,
        capture: EndpointCapture | None = None,
    ) -> None:
        self.name = name
        self.variants = variants
        self.async_inference = async_inference
        self.capture = capture

    def choose(self, target_variant: str | None = None) -> Variant:
        """Return the variant of that name, or for None one at random, by weight.

        Raises: KeyError, if there is no such variant.
        """
        if target_variant is not None:
            return self.variants[target_variant]
        variants = list(self.variants.values())
        if len(variants) == 1:
            return variants[0]
        return random.choices(variants, [variant.weight for variant in variants])[0]
