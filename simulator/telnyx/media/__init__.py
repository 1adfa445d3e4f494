"""Media streams: Telnyx as the WebSocket client of an application."""
