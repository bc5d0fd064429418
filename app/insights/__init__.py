"""What a reader study shows: figures, exports, adjudication, and the page and endpoints that give them."""
