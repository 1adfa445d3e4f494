"""What Telnyx's REST requests may hold, checked as Telnyx checks them. Pure."""
