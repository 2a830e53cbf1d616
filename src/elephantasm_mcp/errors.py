"""Every error that leaves this package, and nothing else.

    ElephantasmError
    ├── ValidationError      a value breaks a rule: names the field, the rule, an example
    │   ├── UnreadableError  what came in over HTTP is no JSON
    │   ├── TooLargeError    or too much of it
    │   └── MediaTypeError   or says that it is something else
    ├── NotFoundError        no such anima, handle or dream (or it is somebody else's)
    ├── ConflictError        a later change stands in the way
    ├── NotBuiltError        promised for a later release
    ├── AuthenticationError  no key, or a bad one
    │   └── ScopeError       a good key that is not good for this
    ├── RateLimitError       too many requests; `retry_after` says how long to wait
    ├── BudgetError          the day's tokens for language models are spent
    └── ServerError          our side failed
        ├── StorageError     the database cannot be opened, read or written
        ├── ModelError       a model that others run gave no answer that can be used
        │   └── UnreadableTextsError  an embedder cannot read some texts, and takes others
        └── LeaseLostError   another worker took the job over; nothing was written

Invariant: `str(error)` is one plain sentence that a user may read (no path of ours, no SQL, no
library's text), and `hint` says what to do next.
"""

from collections.abc import Iterable
from typing import ClassVar, Final, Protocol


class ElephantasmError(Exception):
    """The root: `code` is stable for programs, `http_status` is its REST status."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint: Final = hint

    def explain(self) -> str:
        """The message and, behind it, what to do."""
        return f"{self} {self.hint}" if self.hint else str(self)


class ValidationError(ElephantasmError):
    """A value breaks a rule. Nothing was stored."""

    code = "invalid"
    http_status = 422

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field: Final = field


class UnreadableError(ValidationError):
    """The body of a request is no JSON, or JSON that cannot be kept."""

    code = "unreadable"
    http_status = 400


class TooLargeError(ValidationError):
    """The body of a request is longer than one may be."""

    code = "too_large"
    http_status = 413


class MediaTypeError(ValidationError):
    """The body of a request says that it is no JSON."""

    code = "media_type"
    http_status = 415


class NotFoundError(ElephantasmError):
    """What was named does not exist for this caller."""

    code = "not_found"
    http_status = 404


class ConflictError(ElephantasmError):
    """A later change stands in the way. Nothing was changed."""

    code = "conflict"
    http_status = 409


class NotBuiltError(ElephantasmError):
    """The interface is promised, its implementation comes in a later release."""

    code = "not_built"
    http_status = 501


class AuthenticationError(ElephantasmError):
    """No API key, or one that is unknown, revoked or expired."""

    code = "unauthenticated"
    http_status = 401


class ScopeError(AuthenticationError):
    """The key is good, but not for this."""

    code = "forbidden"
    http_status = 403


class RateLimitError(ElephantasmError):
    """Too many requests. `retry_after` is in seconds."""

    code = "rate_limited"
    http_status = 429

    def __init__(self, message: str, *, retry_after: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after: Final = retry_after


class BudgetError(ElephantasmError):
    """The day's tokens for language models are spent; nothing was asked."""

    code = "budget"
    http_status = 429


class ServerError(ElephantasmError):
    """Our side failed; the request may be repeated."""

    code = "server"
    http_status = 500


class StorageError(ServerError):
    """The database cannot be opened, read or written. Nothing was changed."""

    code = "storage"
    http_status = 503


class Spent(Protocol):
    """What a failed call cost all the same (`ports.Usage`)."""

    @property
    def tokens_in(self) -> int:
        """Tokens of the prompt."""
        ...

    @property
    def tokens_out(self) -> int:
        """Tokens of the answer."""
        ...

    @property
    def cost_usd(self) -> float | None:
        """None when the price is not known."""
        ...

    @property
    def duration_s(self) -> float:
        """How long it took."""
        ...


class ModelError(ServerError):
    """A language model, or an embedder that others run, gave no answer that can be used.

    `permanent`: asking the same again will not help. `about_prompt`: this one prompt, or the answer
    to it, is at fault (refused, unreadable), and others may do; else it is the provider, the key,
    the model's name or the address.
    """

    code = "model"
    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        about_prompt: bool = False,
        retry_after_s: float | None = None,
        usage: Spent | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.permanent: Final = permanent
        self.about_prompt: Final = about_prompt
        self.retry_after_s: Final = retry_after_s
        self.usage: Final = usage


class UnreadableTextsError(ModelError):
    """An embedder broke over some of the texts that it was given, and takes others.

    `places`: which of them.
    """

    def __init__(self, message: str, *, places: Iterable[int]) -> None:
        super().__init__(message, permanent=False, about_prompt=True)
        self.places: Final = frozenset(places)


class LeaseLostError(ServerError):
    """A job's lease went to another worker before its result was committed."""

    code = "lease_lost"
