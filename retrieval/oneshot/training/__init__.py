"""The one-shot network's training: scenes and questions, a loss, and a model of the result.

material is what scenes are made of, sampling asks questions in them, loss and judged say how well
they were answered; task is trained by `likemark.retrieval.training`; export and calibration make a
model of a run.
"""
