"""Dense tasks on synthetic rooms beside Taskonomy's affinities."""
