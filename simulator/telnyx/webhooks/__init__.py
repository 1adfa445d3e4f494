"""What Telnyx tells an application by HTTP: signed webhooks, TeXML callbacks, their delivery and its history."""
