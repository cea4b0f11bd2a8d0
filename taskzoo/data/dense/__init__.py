"""Images to predict from images: Taskonomy's domains, targets computed from RGB, synthetic rooms."""
