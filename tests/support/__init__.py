"""What several test packages share: servers and models that do as a test tells them."""
