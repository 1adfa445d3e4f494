"""LiveKit's telephony for a Telnyx number: an inbound trunk, a dispatch rule that names our agent, an outbound
trunk to Telnyx. ``python -m agent.provision.livekit`` makes them and checks them."""
