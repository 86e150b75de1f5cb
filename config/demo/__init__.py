"""The demo exchange: synthetic referrals, and a small client that talks to a running server as an integration would."""
