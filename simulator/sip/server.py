"""The requests that come to the trunk: aiosipua's server, made whole where it has no public way."""

from __future__ import annotations

from aiosipua import IncomingCall, SipRequest, SipUAS


class Server(SipUAS):
    def forget(self, call: IncomingCall) -> None:
        """The call is over: nothing of it is repeated or kept. aiosipua keeps a call that it hung up itself."""
        call._stop_retransmissions()
        self._remove_invite_transaction(call.invite)
        self._calls.pop(call.call_id, None)

    def answered(self, call: IncomingCall) -> None:
        """A CANCEL that comes now changes nothing any more (RFC 3261, 9.2): aiosipua would drop the call."""
        self._remove_invite_transaction(call.invite)

    def _wrap_uac_dialog(self, request: SipRequest, addr: tuple[str, int]) -> IncomingCall:
        """A request in a dialog that the client began stays in it: aiosipua makes another, which counts anew."""
        wrapped = super()._wrap_uac_dialog(request, addr)
        begun = None if self.uac is None else self.uac.get_call(wrapped.call_id)
        if begun is not None:
            wrapped.dialog = begun.dialog
        return wrapped
