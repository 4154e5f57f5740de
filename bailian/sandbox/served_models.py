"""Which models this sandbox serves: the names of a catalog, each with the rules of its service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from bailian.sandbox.edits.models import edit_models
from bailian.sandbox.embeddings.models import embedding_models
from bailian.sandbox.films.models import film_models
from bailian.sandbox.http.refusals import Refusal, no_such_model, not_imitated, wrong_path
from bailian.sandbox.images.models import UNLISTED, ServiceModel, image_models
from bailian.sandbox.message_images.models import message_models
from bailian.sandbox.model_names import Limits, is_vendors, names_of, retired_names, with_packaged
from bailian.sandbox.rerank.models import RULES as RANKERS
from bailian.sandbox.speech.models import voices
from bailian.sandbox.text.models import own_ends, text_models
from bailian.sandbox.transcription.models import recognizers
from bailian.sandbox.voices.models import voice_models

Rules = TypeVar("Rules")


class ServedModels:
    """The models by service, without those that are retired.

    Args:
        catalog: the account's limits by name; entries of a full catalog also add and correct names. None: the
            toolkit's own catalog.
        day: the day on which names are retired; None: everything is served.
    """

    def __init__(self, catalog: Mapping[str, Limits] | None, day: date | None) -> None:
        self.names = names_of(with_packaged(catalog or {}))
        given = self.names if catalog is None else names_of(catalog)
        self.limits: dict[str, Limits] = {name: known.entry for name, known in given.items()}
        own = [*self.names, *(name for name in UNLISTED if name not in self.names)]
        ends = own_ends() | {name: model.retired_on for name, model in RANKERS.items() if model.retired_on}
        self.retired = retired_names(self.names, day, own, ends)
        known = self.names.values()
        # A model that draws and edits has one entry, with the rules of both.
        messages, films = message_models(known), film_models(known)
        drawing = {**image_models(known), **edit_models(known), **messages, **films}
        self.pictures: dict[str, ServiceModel] = self._living(drawing)
        self.films = frozenset(films)
        self._elsewhere = frozenset(name for name, film in films.items() if film.region)
        if catalog is None:
            self.limits |= {name: model.limits for name, model in messages.items()}
            self.limits |= {name: model.limits for name, model in films.items()}
        texts = text_models(known)
        embeddings = embedding_models(known)
        if catalog is None:
            own_limits: dict[str, Limits] = {name: model.limits for name, model in texts.items()}
            own_limits |= {name: model.limits for name, model in embeddings.items()}
            own_limits |= {name: model.limits for name, model in RANKERS.items()}
            self.limits = own_limits | self.limits
        self.texts = self._living(texts)
        self.embeddings = self._living(embeddings)
        self.rankers = self._living(RANKERS)
        self.voices = self._living(voices(known))
        self.told = self._living(voice_models(known))
        self.recognizers = self._living(recognizers(known))

    def refusal_of(self, name: str, *, sync: bool) -> Refusal:
        """Return why a route does not take a name that is none of its own.

        Another route's model gets the words of a wrong path, a model that only the real service has an honest no.
        """
        if name not in self.retired and self.is_served(name):
            return wrong_path()
        return not_imitated(f"the model {name}") if self.is_lacked(name) else no_such_model(sync=sync)

    def is_served(self, name: str) -> bool:
        """Return whether some route has the model."""
        rooms = (self.pictures, self.texts, self.embeddings, self.voices, self.told, self.recognizers, self.rankers)
        return name not in self._elsewhere and any(name in models for models in rooms)

    def is_lacked(self, name: str) -> bool:
        """Return whether only the real service has the model, as far as catalog and vendor tell."""
        is_real = name in self.names or is_vendors(name)
        return is_real and not self.is_served(name) and name not in self.retired

    def _living(self, models: Mapping[str, Rules]) -> dict[str, Rules]:
        return {name: rules for name, rules in models.items() if name not in self.retired}

    def kinds(self) -> dict[str, str]:
        """Return what the models make, by name, but those that make pictures."""
        services = {
            "video": self.films, "text": self.texts, "embedding": self.embeddings, "rerank": self.rankers,
            "speech": (*self.voices, *self.told), "transcription": self.recognizers,
        }  # fmt: skip
        return {name: kind for kind, names in services.items() for name in names}

    def listed(self) -> list[str]:
        """Return every name, in the catalog's order and then the others, but those of one region alone."""
        sounds = (*self.voices, *self.told, *self.recognizers)
        every = (*self.names, *self.pictures, *self.texts, *self.embeddings, *self.rankers, *sounds)
        return [name for name in dict.fromkeys(every) if name not in self.retired | self._elsewhere]
