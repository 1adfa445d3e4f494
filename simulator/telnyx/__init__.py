"""Stands in for Telnyx: Call Control, TeXML, webhooks and media streams."""
